"""Who may act for whom."""

from __future__ import annotations

from datetime import date
from typing import Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from gateway.api.representations import Answer, Body, Items, Optional, Reason, Strings, iso
from gateway.api.sessions import Tokens
from gateway.auth import SignedIn
from gateway.backends import IdempotencyKey, Services
from services.contracts.forms import Slug
from services.contracts.generated.ambito.identity.v1 import identity_pb2 as pb

router = APIRouter(tags=["delegations"])


class DelegationRequest(Body):
    """A person lets another person act for her."""

    principal_id: UUID = Field(description="Who gives the powers")
    delegate_codice_fiscale: str = Field(max_length=32, description="The delegate is registered already")
    powers: list[Literal["read", "choose_provider", "book"]] = Field(min_length=1, max_length=3)
    valid_to: date | None = Field(None, description="Last day, inclusive; one year if absent")
    consent: bool = Field(False, description="Recorded by an operator: the principal is present and agrees")


class Delegation(Answer):
    """A delegation."""

    id: UUID
    principal_id: UUID
    delegate_id: UUID
    powers: Strings
    state: str = Field(description="active, revoked or expired")
    valid_from: date
    valid_to: date
    recorded_at_social_point: Optional
    version: int


class AssistanceRequest(Body):
    """An operator is about to act for a person who is present and consents."""

    person_id: UUID
    social_point: Slug
    identified_by: str = Field(min_length=1, max_length=50)
    consent: bool
    purpose: Reason


@router.post("/delegations", status_code=201)
async def grant(
    body: DelegationRequest, key: IdempotencyKey, caller: SignedIn, services: Services
) -> Delegation:
    """Lets a person act for another; by the principal herself, or recorded by an operator in her presence."""
    request = pb.GrantDelegationRequest(
        principal_id=str(body.principal_id),
        delegate_codice_fiscale=body.delegate_codice_fiscale,
        powers=body.powers,
        valid_to=iso(body.valid_to),
        consent=body.consent,
    )
    method = services.delegations.GrantDelegation
    answer = await services.command(method, request, caller, idempotency_key=key)
    return Delegation.of(answer.delegation)


@router.post("/delegations/{delegation_id}/revocation")
async def revoke(delegation_id: UUID, caller: SignedIn, services: Services) -> Delegation:
    """Ends a delegation, by either of the two."""
    request = pb.RevokeDelegationRequest(delegation_id=str(delegation_id))
    answer = await services.command(services.delegations.RevokeDelegation, request, caller)
    return Delegation.of(answer.delegation)


@router.get("/people/{person_id}/delegations")
async def list_of_person(person_id: UUID, caller: SignedIn, services: Services) -> Items[Delegation]:
    """The delegations that a person gave or was given."""
    request = pb.ListDelegationsRequest(person_id=str(person_id))
    answer = await services.read(services.delegations.ListDelegations, request, caller)
    return Items[Delegation].of(answer)


@router.post("/assistance-sessions", status_code=201)
async def start_assistance(body: AssistanceRequest, caller: SignedIn, services: Services) -> Tokens:
    """A token with which an operator acts, for half an hour, for a person who is present. It is recorded."""
    request = pb.StartAssistanceRequest(
        person_id=str(body.person_id),
        social_point=body.social_point,
        identified_by=body.identified_by,
        consent=body.consent,
        purpose=body.purpose,
    )
    return Tokens.of((await services.command(services.delegations.StartAssistance, request, caller)).tokens)
