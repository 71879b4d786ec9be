"""Delegations: one person gives another powers, for a time, and may take them back.

The life is `active → revoked` or `active → expired`, both for good. The verbs are those of the national
system of digital delegations (SGD, CAD art. 64-ter), so that an adapter to it can be a mapping.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Final
from uuid import UUID

from services.chassis.refusal import InvalidField, Kind, Refusal

POWERS: Final = frozenset({"read", "choose_provider", "book"})
MOST_PER_DELEGATE: Final = 20
"""All of them travel in the delegate's token, which has to stay small."""
LONGEST_YEARS: Final = 2


class State(StrEnum):
    """Where a delegation is in its life."""

    ACTIVE = "active"
    REVOKED = "revoked"
    EXPIRED = "expired"


class DelegationNotActive(Refusal):
    """Only an active delegation can be revoked."""

    kind = Kind.CONFLICT
    type = "delegation-not-active"
    it = "La delega non è più attiva."
    en = "The delegation is no longer active."


class DelegationExists(Refusal):
    """The delegate has an active delegation of this person: revoke it first."""

    kind = Kind.CONFLICT
    type = "delegation-exists"
    it = "Questa persona ha già una delega attiva: revocarla prima di darne un'altra."
    en = "This person holds an active delegation already: revoke it before giving another."


class TooManyDelegations(Refusal):
    """One person acts for so many others that it is no longer a matter of family."""

    kind = Kind.CONFLICT
    type = "too-many-delegations"
    it = "Questa persona ha già {most} deleghe attive."
    en = "This person holds {most} active delegations already."

    def __init__(self) -> None:
        super().__init__(field="delegate_codice_fiscale", most=MOST_PER_DELEGATE)


@dataclass(frozen=True, slots=True)
class Delegation:
    """Powers of `delegate_id` over `principal_id`, from `valid_from` to `valid_to`, both days included."""

    id: UUID
    principal_id: UUID
    delegate_id: UUID
    powers: frozenset[str]
    valid_from: date
    valid_to: date
    recorded_at_social_point: str | None
    state: State = State.ACTIVE
    version: int = 1

    def state_on(self, today: date) -> State:
        """The state on a day: an active one whose last day has passed is expired, whether written down or
        not.
        """
        if self.state is State.ACTIVE and self.valid_to < today:
            return State.EXPIRED
        return self.state

    def revoked(self, today: date) -> Delegation:
        """The delegation taken back.

        :raises DelegationNotActive: it has expired or was revoked before
        """
        if self.state_on(today) is not State.ACTIVE:
            raise DelegationNotActive(state=str(self.state_on(today)))
        return replace(self, state=State.REVOKED, version=self.version + 1)


def grant(
    *,
    id: UUID,
    principal_id: UUID,
    delegate_id: UUID,
    powers: frozenset[str],
    valid_to: date,
    today: date,
    recorded_at_social_point: str | None,
) -> Delegation:
    """A new, active delegation from today.

    :raises InvalidField: somebody delegates herself
    """
    if principal_id == delegate_id:
        raise InvalidField(
            field="delegate_codice_fiscale",
            it="Non si può delegare sé stessi.",
            en="A person cannot delegate herself.",
        )
    return Delegation(id, principal_id, delegate_id, powers, today, valid_to, recorded_at_social_point)


def powers(values: Collection[str]) -> frozenset[str]:
    """A non-empty set of powers, each named once.

    :raises InvalidField: none, an unknown one, or one named twice
    """
    result = frozenset(values)
    if not result or not result <= POWERS or len(result) != len(values):
        raise InvalidField(
            field="powers",
            it="Indicare almeno uno di questi poteri, ciascuno una volta: {allowed}.",
            en="Name at least one of these powers, each once: {allowed}.",
            allowed=", ".join(sorted(POWERS)),
        )
    return result


def last_day(value: date | None, *, today: date) -> date:
    """The last day of a delegation given today; a year from today if none is named.

    :raises InvalidField: in the past, or more than :data:`LONGEST_YEARS` years away
    """
    if value is None:
        return _years_after(today, 1)
    if not today <= value <= _years_after(today, LONGEST_YEARS):
        raise InvalidField(
            field="valid_to",
            it="Deve essere tra oggi e {years} anni da oggi.",
            en="It must be between today and {years} years from today.",
            years=LONGEST_YEARS,
        )
    return value


def _years_after(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # 29 February
        return day.replace(year=day.year + years, day=28)
