"""What the databases alone can do of each scenario: the use cases' own SQL, run by pgbench on copies."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from functools import partial
from typing import Any
from uuid import UUID

from services.catalogue.application.book_slot import BookSlot, BookSlotCommand
from services.catalogue.application.booking_events import BOOKING_EVENTS
from services.catalogue.application.list_slots import ListSlots, SlotQuery
from services.catalogue.application.search_services import SearchServices
from services.catalogue.domain.booking import Booking
from services.catalogue.persistence.bookings import Bookings
from services.catalogue.persistence.search import SearchFilter
from services.chassis.caller import Caller
from services.chassis.clock import SystemClock
from services.chassis.database import Database
from services.chassis.ids import new_id
from services.vouchers.application.hold_voucher import HoldCommand, HoldVoucher
from tests.bench import pgbench
from tests.bench.scratch import Scratch
from tests.bench.statements import COUNT, FRESH_TEXT, Script, Transaction, as_script, fresh_id, recorded

CLIENTS = 16
_TARGET_COLUMNS = ("person", "voucher", "provider", "slot", "service_date")
_VISITS_EACH = 20
"""A client of pgbench looks up another target after so many bookings."""
_PAGE = 20
_KEY, _ACTOR = "the-key", "the-actor"


class Limits:
    """Copies of the databases of catalogue and vouchers, and the scripts to run there."""

    def __init__(self, admin_url: str, targets: Sequence[dict[str, str]]) -> None:
        """`targets`: for whom and what is booked; a multiple of CLIENTS, so that clients do not meet."""
        assert len(targets) % CLIENTS == 0, "clients must not meet"
        self._targets = targets
        self._runs = 0
        self.catalogue = Scratch(admin_url, "catalogue")
        self.vouchers = Scratch(admin_url, "vouchers")
        for scratch in (self.catalogue, self.vouchers):
            scratch.add_targets(
                _TARGET_COLUMNS, [[target[name] for name in _TARGET_COLUMNS] for target in targets]
            )
        self._plain = self._in_catalogue(self._book(with_voucher=False))
        self._paid = self._in_catalogue(self._book(with_voucher=True))
        self._hold = as_script(self._record_hold(), self._values(), beginning=self._next_target())

    def booking(self, seconds: float) -> float:
        """Bookings without a voucher per second."""
        return self._write(self.catalogue, self._plain, "booking", seconds)

    def booking_with_voucher(self, seconds: float) -> float:
        """Bookings with a voucher per second: both databases one after the other, as the saga does."""
        catalogue = self._write(self.catalogue, self._paid, "booking", seconds)
        vouchers = self._write(self.vouchers, self._hold, "hold", seconds)
        return 1 / (1 / catalogue + 1 / vouchers)

    def months(self, months: Sequence[tuple[str, str]], first: date, last: date) -> Callable[[float], float]:
        """Per second: the free slots of each (service, comune) between two days."""

        def read(database: Database, service: str, comune: str) -> object:
            query = SlotQuery(service=service, provider="", comune=comune, from_date=first, to_date=last)
            return ListSlots(database, SystemClock())(query)

        return self._reads([partial(read, service=service, comune=comune) for service, comune in months])

    def searches(self, texts: Sequence[str]) -> Callable[[float], float]:
        """Per second: a first page of what the text finds."""

        def read(database: Database, text: str) -> object:
            return SearchServices(database)(text, SearchFilter(), limit=_PAGE, cursor="")

        return self._reads([partial(read, text=text) for text in texts])

    def close(self) -> None:
        self.catalogue.close()
        self.vouchers.close()

    def _reads(self, reads: Sequence[Callable[[Database], object]]) -> Callable[[float], float]:
        scripts = []
        with _database(self.catalogue) as database:
            for number, read in enumerate(reads):
                with recorded(database) as transactions:
                    read(database)
                scripts.append(as_script(transactions, {}, beginning="", prefix=f"c{number}_"))
        url = self.catalogue.url
        return lambda seconds: pgbench.run(url, scripts, seconds=seconds, clients=CLIENTS).per_second

    def _write(self, scratch: Scratch, script: Script, table: str, seconds: float) -> float:
        """Runs that changed something, per second. RuntimeError if one did not: then it was no booking."""
        before = scratch.count(table)
        self._runs += 1
        variables = {"n": self._runs * 1_000_000, "targets": len(self._targets)}
        outcome = pgbench.run(scratch.url, [script], seconds=seconds, clients=CLIENTS, variables=variables)
        made = scratch.count(table) - before
        if made != outcome.runs:
            raise RuntimeError(f"{outcome.runs} runs of pgbench made {made} rows of {table}")
        return outcome.per_second

    def _in_catalogue(self, transactions: Sequence[Transaction]) -> Script:
        return as_script(transactions, self._values(), beginning=self._next_target())

    def _values(self) -> dict[Any, str]:
        """What differs from booking to booking, and what a script says instead."""
        target = self._targets[0]
        return {
            UUID(target["person"]): ":person::uuid",
            UUID(target["slot"]): ":slot::uuid",
            UUID(target["voucher"]): ":voucher::uuid",
            target["provider"]: ":provider",
            date.fromisoformat(target["service_date"]): ":service_date::date",
            self._booking_id: fresh_id(0),
            _KEY: FRESH_TEXT,
            _ACTOR: ":person",
        }

    def _next_target(self) -> str:
        columns = ", ".join(_TARGET_COLUMNS)
        chosen = f"(:client_id::integer + {CLIENTS} * (:n::integer / {_VISITS_EACH})) % :targets::integer"
        lookup = f"SELECT {columns} FROM bench_target WHERE k = {chosen} \\gset\n"  # noqa: S608 - our words
        return f"{COUNT}\\if :n % {_VISITS_EACH} = 1\n{lookup}\\endif\n"

    @property
    def _caller(self) -> Caller:
        return Caller(subject=_ACTOR, person=UUID(self._targets[0]["person"]))

    def _book(self, *, with_voucher: bool) -> list[Transaction]:
        """What catalogue executes for a booking; the voucher's side is recorded elsewhere."""
        target = self._targets[0]
        command = BookSlotCommand(
            slot_id=UUID(target["slot"]),
            person_id=None,
            voucher_id=UUID(target["voucher"]) if with_voucher else None,
            idempotency_key=f"{_KEY}",
            request=b"the request",
        )
        self._booking_id = new_id()
        with _database(self.catalogue) as database:
            bookings = Bookings(database, BOOKING_EVENTS)
            clock, new_ids = SystemClock(), lambda: self._booking_id
            book = BookSlot(bookings, _AgreeingVouchers(), lambda *_: None, clock, new_ids)
            with recorded(database) as transactions:
                self._booked = book(command, self._caller)
            with database.transaction() as connection:  # the key may be used again
                forget = "DELETE FROM idempotency WHERE actor = %(actor)s"
                connection.exec_driver_sql(forget, {"actor": _ACTOR})
        return transactions

    def _record_hold(self) -> list[Transaction]:
        """What vouchers executes for the booking that was recorded last."""
        booking = self._booked
        command = HoldCommand(
            booking_id=booking.id,
            voucher_id=booking.voucher_id,
            person_id=booking.person_id,
            provider=booking.provider,
            service=booking.service,
            service_date=booking.service_date,
            minutes=booking.minutes,
            cents=booking.price_cents,
        )
        with _database(self.vouchers) as database, recorded(database) as transactions:
            HoldVoucher(database, SystemClock())(self._caller, command)
        return transactions


class _AgreeingVouchers:
    def hold(self, booking: Booking, caller: Caller) -> None:
        """Nothing speaks against it."""


@contextmanager
def _database(scratch: Scratch) -> Iterator[Database]:
    database = Database(scratch.sqlalchemy_url, pool_size=1)
    try:
        yield database
    finally:
        database.dispose()
