"""Uses of the services whose SQL is recorded: each as a function of a database and of whom it is about."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from services.catalogue.application.booking_events import BOOKING_EVENTS
from services.catalogue.application.list_bookings import ListBookings
from services.catalogue.application.list_slots import ListSlots, SlotQuery
from services.catalogue.application.search_services import SearchServices
from services.catalogue.application.sweep_bookings import sweep_bookings
from services.catalogue.persistence import tables as catalogue_tables
from services.catalogue.persistence.booking_lists import BookingFilter
from services.catalogue.persistence.bookings import Bookings
from services.catalogue.persistence.search import SearchFilter
from services.chassis.caller import Caller, Role
from services.chassis.clock import SystemClock
from services.chassis.database import Database
from services.chassis.messaging.pending import Pending
from services.chassis.messaging.received import Received
from services.contracts.access import PROVIDER_STAFF
from services.contracts.events.catalogue import BookingConfirmed
from services.identity.persistence import accounts
from services.notifications.application.news_of_bookings import news_of_booking
from services.notifications.application.read_feed import ReadFeed
from services.notifications.application.tell import Tell
from services.notifications.domain.feed import Cursor
from services.notifications.persistence import feed
from services.notifications.persistence.feed import NewEvent
from services.notifications.persistence.messages import list_messages
from services.vouchers.application.get_statement import GetStatementQuery, get_statement
from services.vouchers.persistence import funding, ledger, vouchers
from tests.bench.population import MISSPELT
from tests.system.world import SERVICE

Target = Mapping[str, str]
Use = Callable[[Database, Target], object]
PLACE: Final = Cursor(400_000_001, 400_000_002)
"""In a feed; a script says another one."""
USERNAME: Final = "somebody"
_PAGE: Final = 20
_FEED_PAGE: Final = 100
_RELAY_BATCH: Final = 100
_MONTH: Final = timedelta(days=30)


def last_month() -> tuple[date, date]:
    """Its first and last day: the month of the statement."""
    last = datetime.now(UTC).date().replace(day=1) - timedelta(days=1)
    return last.replace(day=1), last


def _caller(target: Target) -> Caller:
    return Caller(subject=target["person"], person=UUID(target["person"]))


def _staff(target: Target) -> Caller:
    return Caller(subject="staff", roles=frozenset({Role(PROVIDER_STAFF, target["provider"])}))


def _free_slots(database: Database, target: Target) -> object:
    first = date.fromisoformat(target["service_date"])
    query = SlotQuery(
        service=SERVICE, provider="", comune=target["comune"], from_date=first, to_date=first + _MONTH
    )
    return ListSlots(database, SystemClock())(query)


def _search(database: Database, _target: Target) -> object:
    return SearchServices(database)(MISSPELT[0], SearchFilter(), limit=_PAGE, cursor="")


def _of_person(database: Database, target: Target) -> object:
    wanted = BookingFilter(person_id=UUID(target["person"]))
    return ListBookings(database, SystemClock())(wanted, _caller(target), limit=_PAGE, cursor="")


def _of_provider(database: Database, target: Target) -> object:
    wanted = BookingFilter(provider=target["provider"])
    return ListBookings(database, SystemClock())(wanted, _staff(target), limit=_PAGE, cursor="")


def _to_publish(database: Database, _target: Target) -> object:
    with database.read() as connection:
        return Pending(catalogue_tables.messaging, retry_maximum_seconds=60).next(connection, _RELAY_BATCH)


def _sweep(database: Database, _target: Target) -> object:
    return sweep_bookings(Bookings(database, BOOKING_EVENTS), SystemClock(), limit=1)


def _vouchers(database: Database, target: Target) -> object:
    with database.read() as connection:
        return vouchers.of_person(
            connection, UUID(target["person"]), comuni=None, limit=_PAGE + 1, before=None
        )


def _entries(database: Database, target: Target) -> object:
    with database.read() as connection:
        return ledger.entries_of(connection, UUID(target["voucher"]))


def _statement(database: Database, target: Target) -> object:
    with database.read() as connection:
        month = last_month()[0].strftime("%Y-%m")
        query = GetStatementQuery(provider=target["provider"], month=month)
        return get_statement(connection, _staff(target), query)


def _budgets(database: Database, target: Target) -> object:
    year = date.fromisoformat(target["service_date"]).year
    with database.read() as connection:
        return funding.list_budgets(connection, frozenset({target["comune"]}), year)


def _tell(database: Database, target: Target) -> None:
    """The effects of `booking.confirmed`: into the feed, and into the person's inbox."""
    now = datetime.now(UTC)
    confirmed = BookingConfirmed(
        booking_id=uuid4(),
        person_id=UUID(target["person"]),
        provider=target["provider"],
        comune=target["comune"],
        starts_at=now,
        ends_at=now,
        with_voucher=True,
    )
    event = Received(
        id=uuid4(),
        type=confirmed.event_type(),
        subject=str(confirmed.booking_id),
        sequence=1,
        occurred_at=now,
        routing_key="",
        headers={},
        body=confirmed.to_json(),
    )
    with database.transaction() as connection:
        feed.append(connection, [NewEvent(event, provider=target["provider"], source="ambito/catalogue")])
        Tell(SystemClock())(connection, [news_of_booking(event.id, confirmed)])


def _messages(database: Database, target: Target) -> object:
    with database.read() as connection:
        today = datetime.now(UTC).date()
        return list_messages(connection, UUID(target["person"]), before=None, limit=_PAGE, today=today)


def _feed(database: Database, target: Target) -> object:
    return ReadFeed(database)(_staff(target), target["provider"], PLACE, _FEED_PAGE)


class _Indexes:
    """Stands for identity's keys: the filled index is a plain hash of the person's id."""

    def index_username(self, username: str) -> bytes:
        return username.encode()


def _account(database: Database, _target: Target) -> object:
    with database.read() as connection:
        return accounts.find_by_username(connection, _Indexes(), USERNAME)  # type: ignore[arg-type]


STATEMENT: Final = "a month's statement"
USES: Final[Mapping[str, tuple[str, Use]]] = {
    "free slots of a month": ("catalogue", _free_slots),
    "search, misspelt": ("catalogue", _search),
    "a person's bookings": ("catalogue", _of_person),
    "a cooperative's bookings": ("catalogue", _of_provider),
    "relay: what is to publish": ("catalogue", _to_publish),
    "sweeper: what is overdue": ("catalogue", _sweep),
    "a person's vouchers": ("vouchers", _vouchers),
    "a voucher's ledger": ("vouchers", _entries),
    STATEMENT: ("vouchers", _statement),
    "a comune's budgets": ("vouchers", _budgets),
    "worker: tell of a booking": ("notifications", _tell),
    "a person's messages": ("notifications", _messages),
    "a page of a feed": ("notifications", _feed),
    "sign in: whose account": ("identity", _account),
}
"""Service and use, by name."""
