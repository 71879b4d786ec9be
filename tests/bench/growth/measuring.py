"""How long each operation takes on what is in the databases, and how large they are."""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final

import psycopg

from services.catalogue.application.reconcile import reconcile
from services.chassis.database import Database
from services.vouchers.persistence import ledger
from tests.bench import pgbench
from tests.bench.growth import targets
from tests.bench.growth.operations import LOOKUP, operations
from tests.bench.growth.uses import STATEMENT, last_month
from tests.bench.statements import Script

_RUNS_APART: Final = 1_000_000
_STATEMENT_TIMEOUT_MS: Final = 600_000
_LINES: Final = """
SELECT avg(lines) FROM bench.target JOIN (
    SELECT provider, count(*) AS lines FROM ledger_entry
    WHERE kind = 'consume' AND service_date BETWEEN %(first)s AND %(last)s GROUP BY provider
) consumed USING (provider)
"""
_SIZES: Final = """
SELECT relname, pg_table_size(oid), pg_indexes_size(oid)
FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
"""


class Measured:
    """The databases of one volume. `urls`: libpq URLs of a superuser, by service; `clients`: of pgbench."""

    def __init__(self, urls: Mapping[str, str], bookings: int, *, seconds: float, clients: int) -> None:
        self._urls = urls
        self._bookings = bookings
        self._seconds = seconds
        self._clients = clients
        self._runs = 0
        self._taken: dict[str, list[float]] = defaultdict(list)
        self.sizes = {
            service: {name: (table, indexes) for name, table, indexes in self._query(service, _SIZES)}
            for service in urls
        }
        """Bytes of each table and of its indexes, by service, before anything was measured."""
        self.targets = targets.choose(urls)
        self._operations = operations(urls, self.targets[0])

    def round(self) -> None:
        """Each operation once, for some seconds. What choosing its target takes is subtracted."""
        lookups = {
            service: self._milliseconds(service, Script(text=LOOKUP)) for service in sorted(self._urls)
        }
        for operation in self._operations:
            spent = self._milliseconds(operation.service, operation.script)
            self._taken[operation.name].append(spent - lookups[operation.service])

    def milliseconds(self) -> dict[str, float]:
        """Of each operation, median of the rounds; of a statement for 1,000 lines."""
        return {
            name: statistics.median(taken) * (self._thousand_lines() if name == STATEMENT else 1)
            for name, taken in self._taken.items()
        }

    def finish(self) -> None:
        """After the rounds: `reconcile`, in milliseconds for a million bookings, RuntimeError if a service's
        own rows differ; and what pgbench wrote is not published when the system runs.
        """
        for service in ("catalogue", "vouchers"):
            spent = self._reconcile(service)
            self._taken[f"reconcile: {service}"].append(spent * 1_000_000 / self._bookings)
        for url in self._urls.values():
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("UPDATE outbox SET published_at = now() WHERE published_at IS NULL")
                connection.execute("VACUUM ANALYZE outbox")

    def _milliseconds(self, service: str, script: Script) -> float:
        self._runs += 1
        variables = {"n": self._runs * _RUNS_APART, "targets": len(self.targets)}
        outcome = pgbench.run(
            self._urls[service], [script], seconds=self._seconds, clients=self._clients, variables=variables
        )
        return 1000 * self._clients / outcome.per_second

    def _thousand_lines(self) -> float:
        """How many statements have a thousand lines together."""
        first, last = last_month()
        ((lines,),) = self._query("vouchers", _LINES, {"first": first, "last": last})
        return 1000 / float(lines)

    def _reconcile(self, service: str) -> float:
        url = self._urls[service].replace("postgresql://", "postgresql+psycopg://", 1)
        database = Database(url, pool_size=1, statement_timeout_ms=_STATEMENT_TIMEOUT_MS)
        started = time.monotonic()
        differences = list(_differences(service, database))
        spent = time.monotonic() - started
        database.dispose()
        if differences:
            raise RuntimeError(f"{service}: {len(differences)} differences, such as {differences[0]}")
        return spent * 1000

    def _query(self, service: str, query: str, values: Any = None) -> list[tuple[Any, ...]]:
        with psycopg.connect(self._urls[service]) as connection:
            return connection.execute(query, values).fetchall()


def _differences(service: str, database: Database) -> Iterable[object]:
    if service == "catalogue":
        return (line for line in reconcile(database) if line["kind"] == "seat-difference")
    with database.read() as connection:
        return ledger.differences(connection)
