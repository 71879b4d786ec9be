"""What the worker does: reactions to events, and the daily end of vouchers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from services.chassis.clock import SystemClock
from services.chassis.database import Database
from services.chassis.jobs import Job
from services.chassis.messaging.received import Subscription, one_by_one
from services.contracts.events.base import EventData
from services.contracts.events.catalogue import ProviderPublished, ServicePublished
from services.vouchers import bootstrap
from services.vouchers.application import keep_copies
from services.vouchers.application.end_holds import EVENTS, EndHolds
from services.vouchers.application.expire_vouchers import expire_vouchers
from services.vouchers.entrypoints import figures
from services.vouchers.settings import VouchersSettings


def subscriptions(_settings: VouchersSettings, _database: Database) -> Sequence[Subscription]:
    """Bookings move holds; everything else is kept as a copy."""
    end_holds = EndHolds(bootstrap.outbox(), SystemClock())
    return [
        _together("vouchers.persons", keep_copies.PERSON_EVENTS, one_by_one(keep_copies.keep_person)),
        _together("vouchers.providers", _types(ProviderPublished), one_by_one(keep_copies.keep_provider)),
        _together("vouchers.services", _types(ServicePublished), one_by_one(keep_copies.keep_service)),
        # One for all that happens to bookings: two would each have their own order of vouchers.
        _together("vouchers.bookings", frozenset(EVENTS), end_holds),
    ]


_together: Final = partial(Subscription, together=True)


def jobs(settings: VouchersSettings, _database: Database) -> Sequence[Job]:
    """Vouchers expire, and the ledger is verified, a batch at a time."""

    def expire(database: Database) -> None:
        expire_vouchers(database, SystemClock())

    return [
        Job("vouchers.expiry", settings.expiry_every_seconds, expire),
        Job("vouchers.ledger", settings.ledger_every_seconds, figures.LedgerWatch()),
        Job("vouchers.reconcile", settings.reconcile_every_seconds, figures.reconcile),
        Job("vouchers.budgets", settings.budgets_every_seconds, figures.tell_budgets, in_every_process=True),
    ]


def _types(model: type[EventData]) -> frozenset[str]:
    return frozenset({model.event_type()})
