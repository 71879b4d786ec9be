"""Between protobuf messages and what the use cases speak."""

from __future__ import annotations

from datetime import date

import grpc
from google.protobuf.message import Message

from services.chassis.ids import new_id
from services.chassis.rpc.context import idempotency_key_of
from services.chassis.rpc.timestamps import timestamp
from services.contracts.generated.ambito.identity.v1 import identity_pb2 as pb
from services.identity.application.once import Attempt
from services.identity.application.tokens import Tokens
from services.identity.domain.codice_fiscale import Sex
from services.identity.domain.delegation import Delegation
from services.identity.domain.person import PersonDetails, declared
from services.identity.persistence.persons import PersonRecord
from services.identity.persistence.reads import ReadRecord

_SEXES = {pb.SEX_FEMALE: Sex.FEMALE, pb.SEX_MALE: Sex.MALE}
_SEX_NUMBERS = {sex: number for number, sex in _SEXES.items()}
_LONGEST_ADDRESS = 64


def attempt(request: Message, context: grpc.ServicerContext) -> Attempt:
    """This arrival of a request that creates something."""
    return Attempt(idempotency_key_of(context), request.SerializeToString(deterministic=True))


def client_address(context: grpc.ServicerContext) -> str | None:
    """The network address that the edge saw; None where there was no edge."""
    for key, value in context.invocation_metadata():
        if key == "client-address":
            return str(value)[:_LONGEST_ADDRESS]
    return None


def details(message: pb.PersonDetails, today: date) -> PersonDetails:
    """Raises what :func:`services.identity.domain.person.declared` raises."""
    return declared(
        codice_fiscale=message.codice_fiscale,
        given_name=message.given_name,
        family_name=message.family_name,
        birth_date=message.birth_date,
        sex=_SEXES.get(message.sex),
        comune=message.comune,
        address=message.address,
        email=message.email,
        phone=message.phone,
        language=message.language,
        household_id=message.household_id,
        own_household=new_id(),
        today=today,
    )


def person(record: PersonRecord) -> pb.Person:
    known = record.details
    return pb.Person(
        id=str(record.id),
        details=pb.PersonDetails(
            codice_fiscale=known.codice_fiscale.value,
            given_name=known.given_name,
            family_name=known.family_name,
            birth_date=known.birth_date.isoformat(),
            sex=_SEX_NUMBERS[known.sex],
            comune=known.comune,
            address=known.address,
            email=known.email or "",
            phone=known.phone or "",
            language=known.language,
            household_id=str(known.household_id),
        ),
        claimed=record.claimed,
        registered_at_social_point=record.registered_at_social_point or "",
        version=record.version,
        registered_at=timestamp(record.registered_at),
    )


def read(record: ReadRecord) -> pb.Read:
    return pb.Read(
        at=timestamp(record.at),
        reader=record.reader,
        role=record.role,
        operation=record.operation,
        reason=record.reason,
    )


def tokens(issued: Tokens) -> pb.Tokens:
    return pb.Tokens(
        access_token=issued.access_token,
        expires_in_seconds=issued.expires_in_seconds,
        refresh_token=issued.refresh_token,
    )


def delegation(given: Delegation) -> pb.Delegation:
    return pb.Delegation(
        id=str(given.id),
        principal_id=str(given.principal_id),
        delegate_id=str(given.delegate_id),
        powers=sorted(given.powers),
        state=given.state,
        valid_from=given.valid_from.isoformat(),
        valid_to=given.valid_to.isoformat(),
        recorded_at_social_point=given.recorded_at_social_point or "",
        version=given.version,
    )
