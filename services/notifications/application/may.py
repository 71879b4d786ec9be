"""Who may do what. Everything not said here is refused."""

from __future__ import annotations

from uuid import UUID

from services.chassis.caller import Caller
from services.chassis.refusal import Forbidden
from services.contracts.access import PROVIDER_CLIENT, PROVIDER_STAFF, READ


def require_reader_of(caller: Caller, person: UUID) -> None:
    """The person herself, or whoever holds the power to read for her. Raises Unauthenticated or Forbidden."""
    caller.require_known()
    if not reads_for(caller, person):
        raise Forbidden


def require_provider(caller: Caller, provider: str) -> None:
    """The cooperative's staff and its systems. Raises Unauthenticated or Forbidden."""
    caller.require_known()
    if not is_of(caller, provider):
        raise Forbidden


def reads_for(caller: Caller, person: UUID) -> bool:
    """Whether the caller may read what is the person's."""
    return caller.may_act_for(person, READ)


def is_of(caller: Caller, provider: str) -> bool:
    """Whether the caller works for the cooperative, or is one of its systems."""
    return caller.has(PROVIDER_CLIENT, provider) or caller.has(PROVIDER_STAFF, provider)
