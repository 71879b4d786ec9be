"""Codes with which a person takes over the account made for her."""

from __future__ import annotations

import secrets
from uuid import UUID

import sqlalchemy as sa

from services.chassis.caller import Caller
from services.chassis.refusal import Kind, NotFound, Refusal
from services.contracts.access import SOCIAL_POINT_OPERATOR
from services.identity.application import access
from services.identity.application.files import write_down
from services.identity.application.once import Attempt, once
from services.identity.application.parts import Parts
from services.identity.domain import forms
from services.identity.domain.person import identification
from services.identity.persistence import claims, persons

_NONCE_BYTES = 16


class AlreadyClaimed(Refusal):
    """The person signs in herself; a code would let somebody else take her account."""

    kind = Kind.CONFLICT
    type = "account-already-claimed"
    it = "La persona ha già un proprio account."
    en = "The person has an account of her own already."


def issue_claim_code(
    parts: Parts,
    caller: Caller,
    attempt: Attempt,
    *,
    person_id: UUID,
    social_point: str,
    identified_by: str,
    consent: bool,
) -> str:
    """A new code for a person who is at the desk; an earlier one is void.

    :raises Forbidden: the caller is no operator there
    :raises InvalidField: no consent, or an unknown way of identifying
    :raises NotFound: no such person
    :raises AlreadyClaimed: she has an account
    """
    access.operator_at(caller, social_point)
    identification(identified_by)
    forms.confirmed(consent, field="consent")
    with parts.database.transaction() as connection:

        def effect() -> bytes:
            persons.lock(connection, [person_id])
            person = persons.find(connection, parts.data, person_id)
            if person is None:
                raise NotFound(what="person", field="person_id")
            if person.claimed:
                raise AlreadyClaimed
            role = f"{SOCIAL_POINT_OPERATOR}:{social_point}"
            write_down(
                parts,
                connection,
                caller,
                person_id,
                role=role,
                operation="IssueClaimCode",
                reason=identified_by,
            )
            return open_claim(parts, connection, caller, person_id)

        nonce = once(parts, connection, caller, attempt, operation="IssueClaimCode", effect=effect)
    return parts.data.claim_code(person_id, nonce)


def open_claim(parts: Parts, connection: sa.Connection, caller: Caller, person_id: UUID) -> bytes:
    """Open a person's claim; the nonce from which, with a key, its code is computed."""
    now = parts.clock.now()
    nonce = secrets.token_bytes(_NONCE_BYTES)
    claims.issue(
        connection,
        person_id=person_id,
        nonce=nonce,
        at=now,
        by=caller.subject,
        expires_at=now + parts.policy.claim_code_lifetime,
        attempts=parts.policy.claim_code_attempts,
    )
    return nonce
