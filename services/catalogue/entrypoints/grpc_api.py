"""All that catalogue serves over gRPC."""

from __future__ import annotations

from services.catalogue.entrypoints.grpc_bookings import AccreditationServicer, BookingServicer
from services.catalogue.entrypoints.grpc_catalogue import CatalogueServicer
from services.catalogue.entrypoints.outgoing.voucher_holds import GrpcVoucherHolds
from services.catalogue.settings import Settings
from services.chassis.clock import SystemClock
from services.chassis.database import Database
from services.chassis.rpc.client import open_channel
from services.chassis.rpc.server import Servicers
from services.contracts.generated.ambito.catalogue.v1 import catalogue_pb2_grpc as rpc


def build(settings: Settings, database: Database) -> Servicers:
    """The servicers of a grpc process; raises if a secret is missing."""
    clock = SystemClock()
    holds = GrpcVoucherHolds(
        open_channel(settings.vouchers_target),
        settings.voucher_hold_deadline_seconds,
        settings.maximum_concurrent_holds,
    )
    return [
        (rpc.add_CatalogueServiceServicer_to_server, CatalogueServicer(database, clock)),
        (rpc.add_AccreditationServiceServicer_to_server, AccreditationServicer(database, clock)),
        (rpc.add_BookingServiceServicer_to_server, BookingServicer(settings, database, holds, clock)),
    ]
