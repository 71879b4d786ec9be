"""The public catalogue, over gRPC: readable by anybody."""

from __future__ import annotations

import grpc

from services.catalogue.application.get_service import GetService
from services.catalogue.application.list_providers import list_providers
from services.catalogue.application.list_slots import ListSlots, SlotQuery
from services.catalogue.application.search_services import SearchServices
from services.catalogue.domain.kind import Kind
from services.catalogue.entrypoints import messages
from services.catalogue.entrypoints.requests import (
    choice_in,
    date_in,
    limit_in,
    optional_comune_in,
    optional_slug_in,
    optional_text_in,
    slug_in,
)
from services.catalogue.persistence.catalogue_reads import comune_rows, social_point_rows
from services.catalogue.persistence.search import SearchFilter
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.contracts import limits
from services.contracts.generated.ambito.catalogue.v1 import catalogue_pb2 as pb
from services.contracts.generated.ambito.catalogue.v1 import catalogue_pb2_grpc as rpc

Context = grpc.ServicerContext


class CatalogueServicer(rpc.CatalogueServiceServicer):
    """As the proto says."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._search = SearchServices(database)
        self._get_service = GetService(database, clock)
        self._list_slots = ListSlots(database, clock)

    def SearchServices(
        self, request: pb.SearchServicesRequest, context: Context
    ) -> pb.SearchServicesResponse:
        rows, next_cursor, total = self._search(
            optional_text_in(request.q, "q", limits.QUERY_CHARACTERS) or "",
            SearchFilter(
                category=optional_slug_in(request.category, "category"),
                comune=optional_comune_in(request.comune, "comune"),
                kind=choice_in(request.kind, Kind, "kind").value if request.kind else "",
                provider=optional_slug_in(request.provider, "provider"),
            ),
            limit=limit_in(request.limit),
            cursor=optional_text_in(request.cursor, "cursor", limits.CURSOR_CHARACTERS) or "",
        )
        items = [messages.service_message(row) for row in rows]
        return pb.SearchServicesResponse(items=items, next_cursor=next_cursor, total=total)

    def GetService(self, request: pb.GetServiceRequest, context: Context) -> pb.GetServiceResponse:
        shown = self._get_service(slug_in(request.slug, "slug"))
        return pb.GetServiceResponse(
            service=messages.service_message(shown.service, shown.offerings), order_seed=shown.seed
        )

    def ListProviders(self, request: pb.ListProvidersRequest, context: Context) -> pb.ListProvidersResponse:
        shown = list_providers(self._database)
        return pb.ListProvidersResponse(items=[messages.provider_message(one) for one in shown])

    def GetProvider(self, request: pb.GetProviderRequest, context: Context) -> pb.GetProviderResponse:
        (shown,) = list_providers(self._database, slug_in(request.slug, "slug"))
        return pb.GetProviderResponse(provider=messages.provider_message(shown))

    def ListSocialPoints(
        self, request: pb.ListSocialPointsRequest, context: Context
    ) -> pb.ListSocialPointsResponse:
        with self._database.read() as connection:
            rows = social_point_rows(connection)
        return pb.ListSocialPointsResponse(items=[messages.social_point_message(row) for row in rows])

    def ListComuni(self, request: pb.ListComuniRequest, context: Context) -> pb.ListComuniResponse:
        with self._database.read() as connection:
            rows = comune_rows(connection)
        return pb.ListComuniResponse(items=[messages.comune_message(row) for row in rows])

    def ListSlots(self, request: pb.ListSlotsRequest, context: Context) -> pb.ListSlotsResponse:
        query = SlotQuery(
            service=slug_in(request.service, "service"),
            provider=optional_slug_in(request.provider, "provider"),
            comune=optional_comune_in(request.comune, "comune"),
            from_date=date_in(request.from_date, "from_date"),
            to_date=date_in(request.to_date, "to_date"),
        )
        return pb.ListSlotsResponse(items=[messages.slot_message(row) for row in self._list_slots(query)])
