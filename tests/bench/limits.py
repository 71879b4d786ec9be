"""What the databases alone can do of each scenario: the use cases' own SQL, run by pgbench on copies."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from functools import partial

from services.catalogue.application.list_slots import ListSlots, SlotQuery
from services.catalogue.application.search_services import SearchServices
from services.catalogue.domain.booking import Booking
from services.catalogue.persistence.search import SearchFilter
from services.chassis.clock import SystemClock
from services.chassis.database import Database
from tests.bench import pgbench, recording
from tests.bench.recording import TARGET_COLUMNS
from tests.bench.scratch import Scratch
from tests.bench.statements import COUNT, Script, Transaction, as_script, recorded

CLIENTS = 16
_VISITS_EACH = 20
"""A client of pgbench looks up another target after so many bookings."""
_PAGE = 20


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
                TARGET_COLUMNS, [[target[name] for name in TARGET_COLUMNS] for target in targets]
            )
        with _database(self.catalogue) as database:
            plain = recording.booking(database, targets[0], with_voucher=False)
            paid = recording.booking(database, targets[0], with_voucher=True)
        with _database(self.vouchers) as database:
            hold = recording.hold(database, paid.booking)
        self._plain = self._script(plain.transactions, plain.booking)
        self._paid = self._script(paid.transactions, paid.booking)
        self._hold = self._script(hold, paid.booking)

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

    def _script(self, transactions: Sequence[Transaction], booked: Booking) -> Script:
        values = recording.variables(self._targets[0], booked)
        return as_script(transactions, values, beginning=self._next_target())

    def _next_target(self) -> str:
        columns = ", ".join(TARGET_COLUMNS)
        chosen = f"(:client_id::integer + {CLIENTS} * (:n::integer / {_VISITS_EACH})) % :targets::integer"
        lookup = f"SELECT {columns} FROM bench_target WHERE k = {chosen} \\gset\n"  # noqa: S608 - our words
        return f"{COUNT}\\if :n % {_VISITS_EACH} = 1\n{lookup}\\endif\n"


@contextmanager
def _database(scratch: Scratch) -> Iterator[Database]:
    database = Database(scratch.sqlalchemy_url, pool_size=1)
    try:
        yield database
    finally:
        database.dispose()
