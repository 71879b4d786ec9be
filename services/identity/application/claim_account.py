"""A person takes over the account made for her."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa

from services.chassis.ids import new_id
from services.identity.application.events import tell_contact_changed
from services.identity.application.parts import Parts
from services.identity.application.registration import present
from services.identity.application.throttling import at_target, by_address, throttled
from services.identity.domain import account
from services.identity.domain.claim import ClaimExpired, ClaimRefused, ClaimUsed, Outcome, same_code
from services.identity.domain.codice_fiscale import CodiceFiscale, parse
from services.identity.persistence import accounts, claims, persons
from services.identity.persistence.persons import PersonRecord


def claim_account(
    parts: Parts,
    *,
    codice_fiscale: str,
    claim_code: str,
    username: str,
    password: str,
    client_address: str | None,
) -> PersonRecord:
    """Give a person her account, once, for the right code.

    A wrong code costs one of the code's attempts, even though the claim is refused.

    :raises CodiceFiscaleRefused, InvalidField: the form of a field
    :raises ClaimRefused: no such person, no open claim, wrong code or no attempts left
    :raises ClaimExpired, ClaimUsed: the right code, too late or again
    :raises UsernameTaken, TooManyAttempts: as they say
    """
    code = parse(codice_fiscale)
    username = account.username(username)
    password = account.new_password(password, username=username)
    with throttled(parts, at_target("claim", code.value), *by_address(client_address)):
        _judge(parts, code, claim_code)
        hashed = parts.passwords.hash(password)
        now = parts.clock.now()
        with parts.database.transaction() as connection:
            # Judged again: the code may have been used while the password was being hashed.
            person_id = _accept(parts, connection, code, claim_code)
            claims.mark_used(connection, person_id, now)
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
            version = persons.next_version(connection, person_id)
            person = present(parts, connection, person_id)
            tell_contact_changed(parts, connection, person_id, person.details, version=version, at=now)
            return person


def _judge(parts: Parts, code: CodiceFiscale, claim_code: str) -> None:
    """Refuse a code, after the transaction in which a wrong one was counted."""
    with parts.database.transaction() as connection:
        person_id, outcome = _present(parts, connection, code, claim_code)
        if outcome is Outcome.WRONG and person_id is not None:
            claims.count_wrong_attempt(connection, person_id)
    _refuse(outcome)


def _accept(parts: Parts, connection: sa.Connection, code: CodiceFiscale, claim_code: str) -> UUID:
    person_id, outcome = _present(parts, connection, code, claim_code)
    _refuse(outcome)
    if person_id is None:
        raise ClaimRefused
    return person_id


def _present(
    parts: Parts, connection: sa.Connection, code: CodiceFiscale, claim_code: str
) -> tuple[UUID | None, Outcome]:
    """Whose claim it is and what presenting the code leads to. Holds the claim until the end."""
    person_id = persons.id_of(connection, parts.data, code)
    if person_id is None:
        return None, Outcome.WRONG
    persons.lock(connection, [person_id])  # before the claim, as when a code is issued
    record = claims.hold(connection, person_id)
    if record is None:
        return None, Outcome.WRONG
    right = same_code(claim_code, parts.data.claim_code(person_id, record.nonce))
    return person_id, record.claim.present(right, parts.clock.now())


def _refuse(outcome: Outcome) -> None:
    match outcome:
        case Outcome.WRONG:
            raise ClaimRefused
        case Outcome.EXPIRED:
            raise ClaimExpired
        case Outcome.USED:
            raise ClaimUsed
