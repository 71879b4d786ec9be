"""How long each operation takes on what is there now, and how large it is."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import psycopg

from deploy.local.progress import Progress
from services.catalogue.application.reconcile import reconcile
from services.chassis.database import Database
from services.vouchers.persistence import ledger
from tests.bench import pgbench
from tests.bench.growth import targets
from tests.bench.growth.operations import LOOKUP, Operation, operations
from tests.bench.growth.uses import STATEMENT, last_month
from tests.bench.statements import Script

RECONCILE: Final = {"catalogue": "reconcile: catalogue", "vouchers": "reconcile: vouchers"}
_RUNS_APART: Final = 1_000_000
_STATEMENT_TIMEOUT_MS: Final = 600_000
_LINES = """
SELECT avg(lines) FROM bench.target JOIN (
    SELECT provider, count(*) AS lines FROM ledger_entry
    WHERE kind = 'consume' AND service_date BETWEEN %(first)s AND %(last)s GROUP BY provider
) consumed USING (provider)
"""
_SIZES = """
SELECT relname, pg_table_size(oid), pg_indexes_size(oid)
FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
"""


class Measuring:
    """Measures in place. `urls`: libpq URLs of a superuser, by service; `clients`: of pgbench."""

    def __init__(
        self, urls: Mapping[str, str], progress: Progress, *, rounds: int, seconds: float, clients: int
    ) -> None:
        self._urls = urls
        self._progress = progress
        self._rounds = rounds
        self._seconds = seconds
        self._clients = clients
        self._runs = 0
        self.targets: list[dict[str, str]] = []

    def times(self, bookings: int) -> dict[str, float]:
        """Milliseconds of each operation, median of the rounds; of a statement for 1,000 lines, of
        `reconcile` for a million bookings.
        """
        with self._progress.step("choosing targets, recording statements"):
            self.targets = targets.choose(self._urls)
            found = operations(self._urls, self.targets[0])
        taken: dict[str, list[float]] = {operation.name: [] for operation in found}
        with self._progress.step(f"{len(found)} operations, {self._rounds} rounds"):
            for _ in range(self._rounds):
                lookups = {service: self._lookup(service) for service in self._urls}
                for operation in found:
                    spent = self._milliseconds(operation.service, operation.script)
                    taken[operation.name].append(spent - lookups[operation.service])
        result = {
            operation.name: statistics.median(taken[operation.name]) * self._unit(operation)
            for operation in found
        }
        self._publish()
        for service, name in RECONCILE.items():
            with self._progress.step(name):
                result[name] = self._reconcile(service) * 1_000_000 / bookings
        return result

    def sizes(self) -> dict[str, dict[str, tuple[int, int]]]:
        """Bytes of each table and of its indexes, by service."""
        return {
            service: {name: (table, indexes) for name, table, indexes in self._query(service, _SIZES)}
            for service in self._urls
        }

    def _milliseconds(self, service: str, script: Script) -> float:
        self._runs += 1
        variables = {"n": self._runs * _RUNS_APART, "targets": len(self.targets)}
        outcome = pgbench.run(
            self._urls[service], [script], seconds=self._seconds, clients=self._clients, variables=variables
        )
        return 1000 * self._clients / outcome.per_second

    def _lookup(self, service: str) -> float:
        """What every script begins with, alone."""
        return self._milliseconds(service, Script(text=LOOKUP))

    def _unit(self, operation: Operation) -> float:
        if operation.name != STATEMENT:
            return 1.0
        first, last = last_month()
        ((lines,),) = self._query(operation.service, _LINES, {"first": first, "last": last})
        return 1000 / float(lines)

    def _publish(self) -> None:
        """What pgbench wrote shall not be published when the system runs."""
        for url in self._urls.values():
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("UPDATE outbox SET published_at = now() WHERE published_at IS NULL")
                connection.execute("VACUUM ANALYZE outbox")

    def _reconcile(self, service: str) -> float:
        """Milliseconds of what the service compares of its own. RuntimeError if it finds a difference."""
        compare: dict[str, Callable[[Database], list[Any]]] = {
            "catalogue": lambda database: [
                line for line in reconcile(database) if line["kind"] == "seat-difference"
            ],
            "vouchers": _ledger_differences,
        }
        url = self._urls[service].replace("postgresql://", "postgresql+psycopg://", 1)
        database = Database(url, pool_size=1, statement_timeout_ms=_STATEMENT_TIMEOUT_MS)
        started = time.monotonic()
        differences = compare[service](database)
        spent = time.monotonic() - started
        database.dispose()
        if differences:
            raise RuntimeError(f"{service}: {len(differences)} differences, such as {differences[0]}")
        return spent * 1000

    def _query(self, service: str, query: str, values: Any = None) -> list[tuple[Any, ...]]:
        with psycopg.connect(self._urls[service]) as connection:
            return connection.execute(query, values).fetchall()


def _ledger_differences(database: Database) -> list[ledger.Difference]:
    with database.read() as connection:
        return ledger.differences(connection)
