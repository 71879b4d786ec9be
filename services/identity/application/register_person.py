"""A person registers herself."""

from __future__ import annotations

from uuid import UUID

from services.chassis.caller import Caller
from services.chassis.ids import new_id
from services.identity.application.once import Attempt, once
from services.identity.application.parts import Parts
from services.identity.application.registration import present, write_person
from services.identity.application.throttling import by_address, throttled
from services.identity.domain import account
from services.identity.domain.person import PersonDetails
from services.identity.persistence import accounts
from services.identity.persistence.persons import PersonRecord, Registration


def register_person(
    parts: Parts,
    caller: Caller,
    attempt: Attempt,
    details: PersonDetails,
    *,
    username: str,
    password: str,
    client_address: str | None,
) -> PersonRecord:
    """Make a person with an account of her own. Attempts that fail are throttled by address: each tells
    whether a codice fiscale or a username is known.

    :raises InvalidField: username or password
    :raises ComuneNotInAmbito, AlreadyRegistered, UsernameTaken, TooManyAttempts: as they say
    """
    username = account.username(username)
    password = account.new_password(password, username=username)
    with throttled(parts, *by_address(client_address)):
        hashed = parts.passwords.hash(password)
        now = parts.clock.now()
        with parts.database.transaction() as connection:

            def effect() -> bytes:
                person_id = new_id()
                write_person(parts, connection, person_id, details, Registration(at=now, by="self"))
                added = accounts.add_for_person(
                    connection,
                    parts.data,
                    id=new_id(),
                    person_id=person_id,
                    username=username,
                    password_hash=hashed,
                    at=now,
                )
                if not added:
                    raise account.UsernameTaken
                return person_id.bytes

            registered = UUID(
                bytes=once(parts, connection, caller, attempt, operation="RegisterPerson", effect=effect)
            )
            return present(parts, connection, registered)
