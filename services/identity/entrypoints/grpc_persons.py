"""PersonService: registration and reading of persons."""

from __future__ import annotations

import grpc

from services.chassis.rpc.context import caller_of
from services.contracts.generated.ambito.identity.v1 import identity_pb2 as pb
from services.contracts.generated.ambito.identity.v1 import identity_pb2_grpc as pb_grpc
from services.identity.application import access
from services.identity.application.claim_account import claim_account
from services.identity.application.find_person import find_person
from services.identity.application.get_person import get_person
from services.identity.application.issue_claim_code import issue_claim_code
from services.identity.application.list_reads import list_reads
from services.identity.application.parts import Parts
from services.identity.application.register_person import register_person
from services.identity.application.register_person_assisted import register_person_assisted
from services.identity.domain import forms
from services.identity.entrypoints import translate


class PersonServicer(pb_grpc.PersonServiceServicer):
    """Translates, calls the use case, translates back."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def RegisterPerson(
        self, request: pb.RegisterPersonRequest, context: grpc.ServicerContext
    ) -> pb.RegisterPersonResponse:
        person = register_person(
            self._parts,
            caller_of(context),
            translate.attempt(request, context),
            translate.details(request.details, self._parts.today),
            username=request.username,
            password=request.password,
            client_address=translate.client_address(context),
        )
        return pb.RegisterPersonResponse(person=translate.person(person))

    def RegisterPersonAssisted(
        self, request: pb.RegisterPersonAssistedRequest, context: grpc.ServicerContext
    ) -> pb.RegisterPersonAssistedResponse:
        caller = caller_of(context)
        access.operator_at(caller, request.social_point)  # before anything is said about the fields
        person, claim_code = register_person_assisted(
            self._parts,
            caller,
            translate.attempt(request, context),
            translate.details(request.details, self._parts.today),
            social_point=request.social_point,
            identified_by=request.identified_by,
            consent=request.consent,
        )
        return pb.RegisterPersonAssistedResponse(person=translate.person(person), claim_code=claim_code)

    def IssueClaimCode(
        self, request: pb.IssueClaimCodeRequest, context: grpc.ServicerContext
    ) -> pb.IssueClaimCodeResponse:
        claim_code = issue_claim_code(
            self._parts,
            caller_of(context),
            translate.attempt(request, context),
            person_id=forms.identifier(request.person_id, field="person_id"),
            social_point=request.social_point,
            identified_by=request.identified_by,
            consent=request.consent,
        )
        return pb.IssueClaimCodeResponse(claim_code=claim_code)

    def ClaimAccount(
        self, request: pb.ClaimAccountRequest, context: grpc.ServicerContext
    ) -> pb.ClaimAccountResponse:
        person = claim_account(
            self._parts,
            codice_fiscale=request.codice_fiscale,
            claim_code=request.claim_code,
            username=request.username,
            password=request.password,
            client_address=translate.client_address(context),
        )
        return pb.ClaimAccountResponse(person=translate.person(person))

    def GetPerson(self, request: pb.GetPersonRequest, context: grpc.ServicerContext) -> pb.GetPersonResponse:
        person = get_person(
            self._parts,
            caller_of(context),
            person_id=forms.identifier(request.person_id, field="person_id"),
            reason=request.reason,
        )
        return pb.GetPersonResponse(person=translate.person(person))

    def FindPerson(
        self, request: pb.FindPersonRequest, context: grpc.ServicerContext
    ) -> pb.FindPersonResponse:
        person = find_person(
            self._parts,
            caller_of(context),
            codice_fiscale=request.codice_fiscale,
            reason=request.reason,
        )
        return pb.FindPersonResponse(person=translate.person(person))

    def ListReads(self, request: pb.ListReadsRequest, context: grpc.ServicerContext) -> pb.ListReadsResponse:
        found = list_reads(
            self._parts,
            caller_of(context),
            person_id=forms.identifier(request.person_id, field="person_id"),
            limit=request.limit,
        )
        return pb.ListReadsResponse(items=map(translate.read, found))
