"""DelegationService: who may act for whom."""

from __future__ import annotations

import grpc

from services.chassis.rpc.context import caller_of
from services.contracts.generated.ambito.identity.v1 import identity_pb2 as pb
from services.contracts.generated.ambito.identity.v1 import identity_pb2_grpc as pb_grpc
from services.identity.application.grant_delegation import grant_delegation
from services.identity.application.list_delegations import list_delegations
from services.identity.application.parts import Parts
from services.identity.application.revoke_delegation import revoke_delegation
from services.identity.application.start_assistance import start_assistance
from services.identity.domain import forms
from services.identity.entrypoints import translate


class DelegationServicer(pb_grpc.DelegationServiceServicer):
    """Translates, calls the use case, translates back."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def GrantDelegation(
        self, request: pb.GrantDelegationRequest, context: grpc.ServicerContext
    ) -> pb.GrantDelegationResponse:
        granted = grant_delegation(
            self._parts,
            caller_of(context),
            translate.attempt(request, context),
            principal_id=forms.identifier(request.principal_id, field="principal_id"),
            delegate_codice_fiscale=request.delegate_codice_fiscale,
            powers=list(request.powers),
            valid_to=forms.day(request.valid_to, field="valid_to") if request.valid_to else None,
            consent=request.consent,
        )
        return pb.GrantDelegationResponse(delegation=translate.delegation(granted))

    def RevokeDelegation(
        self, request: pb.RevokeDelegationRequest, context: grpc.ServicerContext
    ) -> pb.RevokeDelegationResponse:
        revoked = revoke_delegation(
            self._parts,
            caller_of(context),
            delegation_id=forms.identifier(request.delegation_id, field="delegation_id"),
        )
        return pb.RevokeDelegationResponse(delegation=translate.delegation(revoked))

    def ListDelegations(
        self, request: pb.ListDelegationsRequest, context: grpc.ServicerContext
    ) -> pb.ListDelegationsResponse:
        found = list_delegations(
            self._parts,
            caller_of(context),
            person_id=forms.identifier(request.person_id, field="person_id"),
        )
        return pb.ListDelegationsResponse(items=map(translate.delegation, found))

    def StartAssistance(
        self, request: pb.StartAssistanceRequest, context: grpc.ServicerContext
    ) -> pb.StartAssistanceResponse:
        issued = start_assistance(
            self._parts,
            caller_of(context),
            person_id=forms.identifier(request.person_id, field="person_id"),
            social_point=request.social_point,
            identified_by=request.identified_by,
            consent=request.consent,
            purpose=request.purpose,
        )
        return pb.StartAssistanceResponse(tokens=translate.tokens(issued))
