"""Filling the services' databases with what years of use would leave in them, by statements on whole sets.

Rows agree with each other as if the services had written them: seats with bookings, holds with both services'
bookings, balances and hashes with the ledger. Ids and choices are functions of a number, so every database
makes its own part without asking the others. Triggers and foreign keys are off meanwhile, and indexes are
made again afterwards; so they are denser than they would have become.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import psycopg

from deploy.local.progress import Progress
from services.chassis.settings import ServiceSettings
from services.notifications.settings import NotificationsSettings
from tests.bench.growth.indexes import without_indexes
from tests.system.world import FUND, MEASURE, SECTION, SERVICE

DAYS: Final = 300
"""Over how many days the past bookings lie."""
PER_FILE: Final = 10
"""Bookings of one citizen's file. Every second file has a voucher, and its ten bookings twenty entries."""
_SQL: Final = Path(__file__).with_name("sql")
_SEATS: Final = 10_000
_QUANTITY: Final = 1_000_000
_COMMITTED_CENTS: Final = 100_000
_CANCELLED: Final = 4
_BULK: Final = {
    "catalogue": ("booking", "outbox", "idempotency"),
    "vouchers": ("plan", "plan_line", "voucher", "assignment", "hold", "ledger_entry", "inbox"),
    "notifications": ("message", "email", "feed_event", "inbox"),
}
_SERVICES: Final = ("catalogue", "vouchers", "notifications", "identity")


@dataclass(frozen=True)
class Volume:
    """How much there is: bookings, as many ledger entries, citizens, and districts they live in."""

    bookings: int
    citizens: int
    districts: int

    def __post_init__(self) -> None:
        assert self.bookings % (2 * PER_FILE) == 0, "every second file has a voucher"


class Filler:
    """Adds to databases with a loaded territory. `urls`: libpq URLs of a superuser, by service."""

    def __init__(self, urls: Mapping[str, str], progress: Progress) -> None:
        self._urls = urls
        self._progress = progress
        self._there = Volume(0, 0, 0)
        now = datetime.now(UTC)
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        self.year: Final = (now + timedelta(days=1)).year
        self._fixed: dict[str, Any] = {
            "now": now,
            "start": midnight - timedelta(days=DAYS),
            "days": DAYS,
            "year": self.year,
            "service": SERVICE,
            "measure": MEASURE,
            "fund": FUND,
            "section": SECTION,
            "seats": _SEATS,
            "quantity": _QUANTITY,
            "committed_cents": _COMMITTED_CENTS,
            "outbox_days": _default(ServiceSettings, "outbox_retention_days"),
            "inbox_days": _default(ServiceSettings, "inbox_retention_days"),
            "idempotency_days": _default(ServiceSettings, "idempotency_retention_days"),
            "email_days": _default(NotificationsSettings, "email_retention_days"),
        }
        for service in _SERVICES:
            with self._connected(service) as connection:
                _run(connection, "schema", {})
        with self._connected("catalogue") as connection:
            query = "SELECT duration_minutes, price_cents FROM service WHERE slug = %s"
            row = connection.execute(query, [SERVICE]).fetchone()
            assert row is not None, "the territory is loaded"
            self._fixed["minutes"], self._fixed["price_cents"] = row

    def fill(self, wanted: Volume) -> None:
        """Add what is missing, and let the planner know."""
        values = self._fixed | {
            "first_district": self._there.districts,
            "districts": wanted.districts,
            "first_citizen": self._there.citizens,
            "citizens": wanted.citizens,
            "first_file": self._there.bookings // PER_FILE,
            "files": (wanted.bookings - self._there.bookings) // PER_FILE,
        }
        with self._progress.step("districts, slots"), self._connected("catalogue") as catalogue:
            _run(catalogue, "catalogue_places", values)
            for service in _SERVICES[1:]:
                with self._connected(service) as other:
                    _copy_places(catalogue, other)
        for service in _SERVICES:
            with self._progress.step(f"{service}: citizens"), self._connected(service) as connection:
                _run(connection, "citizens", values)
                _run(connection, f"{service}_persons", values)
                connection.execute("ANALYZE")
        for service in _BULK:
            self._fill_service(service, values)
        self._there = wanted

    def _fill_service(self, service: str, values: Mapping[str, Any]) -> None:
        with self._connected(service) as connection:
            with self._progress.step(f"{service}: visits"):
                _run(connection, "visits", values)
                connection.execute("ANALYZE bench.visit")
            with without_indexes(connection, _BULK[service], self._progress):
                with self._progress.step(f"{service}: rows"):
                    _run(connection, service, values)
                if service == "vouchers":
                    with self._progress.step(f"{service}: ledger"):
                        _run_ledger(connection, values)
            connection.execute("DROP VIEW bench.event")
            connection.execute("DROP TABLE bench.visit")
        with self._progress.step(f"{service}: vacuum, analyze"), self._connected(service) as connection:
            connection.execute("VACUUM ANALYZE")

    @contextmanager
    def _connected(self, service: str) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
        """A session that writes without triggers and foreign keys, one processor at a time."""
        with psycopg.connect(
            self._urls[service], autocommit=True, cursor_factory=psycopg.ClientCursor
        ) as connection:
            for name, value in (
                ("session_replication_role", "replica"),
                ("synchronous_commit", "off"),
                ("work_mem", "512MB"),
                ("maintenance_work_mem", "1GB"),
                ("max_parallel_workers_per_gather", "0"),
                ("max_parallel_maintenance_workers", "0"),
                ("timezone", "UTC"),
            ):
                connection.execute("SELECT set_config(%s, %s, false)", [name, value])
            yield connection


def _run(connection: psycopg.Connection[Any], name: str, values: Mapping[str, Any]) -> None:
    """The statements of a file, all or none."""
    with connection.transaction():
        connection.execute((_SQL / f"{name}.sql").read_bytes(), values)


def _run_ledger(connection: psycopg.Connection[Any], values: Mapping[str, Any]) -> None:
    """Entry after entry, each of all vouchers at once: reserve and consume (one: release) of nine bookings,
    reserve of the tenth.
    """
    minutes = values["minutes"]
    for entry in range(2 * PER_FILE - 1):
        number = entry // 2
        if entry % 2 == 0:
            step: dict[str, Any] = {"kind": "reserve", "change": -minutes}
        elif number == _CANCELLED:
            step = {"kind": "release", "change": minutes}
        else:
            step = {"kind": "consume", "change": 0}
        _run(connection, "vouchers_entry", {**values, **step, "j": number})
    _run(connection, "vouchers_heads", values)


def _copy_places(source: psycopg.Connection[Any], target: psycopg.Connection[Any]) -> None:
    for table in ("comune", "home", "slot"):
        target.execute(f"TRUNCATE bench.{table}")
        with (
            source.cursor().copy(f"COPY bench.{table} TO STDOUT") as outgoing,
            target.cursor().copy(f"COPY bench.{table} FROM STDIN") as incoming,
        ):
            for piece in outgoing:
                incoming.write(piece)


def _default(settings: type[ServiceSettings], name: str) -> int:
    return int(settings.model_fields[name].default)
