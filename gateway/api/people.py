"""Persons: registration, files, and who read them."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request
from pydantic import BeforeValidator, Field, SecretStr

from gateway.api.representations import (
    AccessReason,
    Answer,
    Body,
    Instant,
    Items,
    Optional,
    OptionalId,
    iso,
    text,
)
from gateway.auth import Anyone, SignedIn, client_address
from gateway.backends import IdempotencyKey, Services
from services.chassis.refusal import NotFound
from services.contracts.forms import Belfiore, Slug
from services.contracts.generated.ambito.identity.v1 import identity_pb2 as pb

router = APIRouter(tags=["people"])

_SEX_TO_WIRE = {"female": pb.SEX_FEMALE, "male": pb.SEX_MALE}
_SEX_FROM_WIRE = {number: name for name, number in _SEX_TO_WIRE.items()}

Sex = Annotated[
    Literal["female", "male"] | None,
    BeforeValidator(lambda value: _SEX_FROM_WIRE.get(value) if isinstance(value, int) else value),
]
ReasonHeader = Annotated[
    AccessReason,
    Header(alias="X-Access-Reason", description="Why somebody else's file is read; shown to them"),
]


class PersonDetails(Body):
    """What is asked of a person at registration."""

    codice_fiscale: str = Field(max_length=32, description="16 characters, or 11 digits when provisional")
    given_name: str = Field(min_length=1, max_length=100)
    family_name: str = Field(min_length=1, max_length=100)
    birth_date: date
    sex: Literal["female", "male"]
    comune: Belfiore = Field(description="Belfiore code of the comune of residence")
    address: str = Field(min_length=1, max_length=200)
    email: str | None = Field(None, max_length=254)
    phone: str | None = Field(None, max_length=20, description="E.164")
    language: Literal["it", "en"] = "it"
    household_id: UUID | None = Field(None, description="Persons of one household hear of an event once")

    def message(self) -> pb.PersonDetails:
        return pb.PersonDetails(
            codice_fiscale=self.codice_fiscale,
            given_name=self.given_name,
            family_name=self.family_name,
            birth_date=iso(self.birth_date),
            sex=_SEX_TO_WIRE[self.sex],
            comune=self.comune,
            address=self.address,
            email=text(self.email),
            phone=text(self.phone),
            language=self.language,
            household_id=text(self.household_id),
        )


class Registration(Body):
    """A person registers herself."""

    details: PersonDetails
    username: str = Field(min_length=3, max_length=100)
    password: SecretStr = Field(max_length=200)


class AssistedRegistration(Body):
    """An operator registers a person who is present."""

    details: PersonDetails
    social_point: Slug
    identified_by: str = Field(min_length=1, max_length=50, examples=["identity_card"])
    consent: bool


class Claim(Body):
    """A person takes over the account made for her."""

    codice_fiscale: str = Field(max_length=32)
    claim_code: str = Field(min_length=1, max_length=64)
    username: str = Field(min_length=3, max_length=100)
    password: SecretStr = Field(max_length=200)


class Search(Body):
    """Finds a person; a body, because a codice fiscale must not be part of an address."""

    codice_fiscale: str = Field(max_length=32)
    reason: AccessReason = Field(description="Why; shown to the person")


class Details(Answer):
    """A person's details."""

    codice_fiscale: str
    given_name: str
    family_name: str
    birth_date: date
    sex: Sex
    comune: str
    address: str
    email: Optional
    phone: Optional
    language: str
    household_id: OptionalId


class Person(Answer):
    """A person's file."""

    id: UUID
    details: Details
    claimed: bool = Field(description="Whether she signs in herself")
    registered_at_social_point: Optional
    registered_at: Instant
    version: int


class AssistedPerson(Answer):
    """A person registered with help, and the one-time code with which she takes over the account."""

    person: Person
    claim_code: str


class ClaimCodeRequest(Body):
    """An operator gives a person who is present a new one-time code."""

    social_point: Slug
    identified_by: str = Field(min_length=1, max_length=50, examples=["identity_card"])
    consent: bool


class ClaimCode(Answer):
    """The one-time code, to be printed for the person."""

    claim_code: str


class Read(Answer):
    """One read of a person's file."""

    at: Instant
    reader: str
    role: str
    operation: str
    reason: str


@router.post("/people", status_code=201)
async def register(
    body: Registration, key: IdempotencyKey, http: Request, caller: Anyone, services: Services
) -> Person:
    """Registers yourself."""
    request = pb.RegisterPersonRequest(
        details=body.details.message(), username=body.username, password=body.password.get_secret_value()
    )
    answer = await services.command(
        services.persons.RegisterPerson,
        request,
        caller,
        idempotency_key=key,
        client_address=client_address(http),
    )
    return Person.of(answer.person)


@router.post("/people/assisted", status_code=201)
async def register_assisted(
    body: AssistedRegistration, key: IdempotencyKey, caller: SignedIn, services: Services
) -> AssistedPerson:
    """Registers a person who is present at a Social Point, with or without e-mail. For operators."""
    request = pb.RegisterPersonAssistedRequest(
        details=body.details.message(),
        social_point=body.social_point,
        identified_by=body.identified_by,
        consent=body.consent,
    )
    method = services.persons.RegisterPersonAssisted
    return AssistedPerson.of(await services.command(method, request, caller, idempotency_key=key))


@router.post("/people/claims", status_code=201)
async def claim(body: Claim, http: Request, caller: Anyone, services: Services) -> Person:
    """Takes over the account made for you at a Social Point, with the one-time code you were given."""
    request = pb.ClaimAccountRequest(
        codice_fiscale=body.codice_fiscale,
        claim_code=body.claim_code,
        username=body.username,
        password=body.password.get_secret_value(),
    )
    answer = await services.command(
        services.persons.ClaimAccount, request, caller, client_address=client_address(http)
    )
    return Person.of(answer.person)


@router.post("/people/{person_id}/claim-codes", status_code=201)
async def issue_claim_code(
    person_id: UUID, body: ClaimCodeRequest, key: IdempotencyKey, caller: SignedIn, services: Services
) -> ClaimCode:
    """Gives a person who is present a new one-time code; the one before it ends. For operators."""
    request = pb.IssueClaimCodeRequest(
        person_id=str(person_id),
        social_point=body.social_point,
        identified_by=body.identified_by,
        consent=body.consent,
    )
    method = services.persons.IssueClaimCode
    return ClaimCode.of(await services.command(method, request, caller, idempotency_key=key))


@router.post("/people/search")
async def find(body: Search, caller: SignedIn, services: Services) -> Person:
    """Finds a person by codice fiscale, within your office's scope. The person sees that you looked."""
    request = pb.FindPersonRequest(codice_fiscale=body.codice_fiscale, reason=body.reason)
    return Person.of((await services.command(services.persons.FindPerson, request, caller)).person)


@router.get("/people/me")
async def read_me(caller: SignedIn, services: Services) -> Person:
    """Your own file."""
    if caller.person is None:
        raise NotFound(what="person")
    request = pb.GetPersonRequest(person_id=str(caller.person))
    return Person.of((await services.read(services.persons.GetPerson, request, caller)).person)


@router.get("/people/{person_id}")
async def read(person_id: UUID, caller: SignedIn, services: Services, reason: ReasonHeader = "") -> Person:
    """One person's file. The person sees that you read it, and why."""
    request = pb.GetPersonRequest(person_id=str(person_id), reason=reason)
    return Person.of((await services.command(services.persons.GetPerson, request, caller)).person)


@router.get("/people/{person_id}/reads")
async def list_reads(
    person_id: UUID, caller: SignedIn, services: Services, limit: Annotated[int, Query(ge=1, le=200)] = 50
) -> Items[Read]:
    """Who read this file, newest first."""
    request = pb.ListReadsRequest(person_id=str(person_id), limit=limit)
    return Items[Read].of(await services.read(services.persons.ListReads, request, caller))
