"""What the growth measurement fills the databases with agrees as if the services had written it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from deploy.local.progress import Progress
from services.catalogue.application import load_territory as catalogue_territory
from services.catalogue.application.materialise_slots import materialise_slots
from services.catalogue.application.reconcile import reconcile
from services.chassis.clock import SystemClock
from services.chassis.database import Database
from services.contracts.territory import read_territory
from services.vouchers.application import load_territory as vouchers_territory
from services.vouchers.application.verify_ledger import verify_everything
from services.vouchers.persistence import holds, ledger
from tests.bench.growth.filling import Filler, Volume
from tests.bench.population import roomy_territory
from tests.support.postgres import Postgres

SERVICES = ("catalogue", "vouchers", "notifications", "identity")


@contextmanager
def opened(url: str) -> Iterator[Database]:
    database = Database(url, pool_size=1)
    try:
        yield database
    finally:
        database.dispose()


@pytest.fixture
def urls(tmp_path: Path, service_database: Callable[[str], str]) -> dict[str, str]:
    made = {service: service_database(service) for service in SERVICES}
    territory = read_territory(roomy_territory(tmp_path))
    with opened(made["catalogue"]) as catalogue:
        catalogue_territory.load_territory(catalogue, SystemClock(), territory)
        materialise_slots(catalogue, SystemClock())
    with opened(made["vouchers"]) as vouchers, vouchers.transaction() as connection:
        vouchers_territory.load_territory(connection, territory)
    return made


def test_everything_agrees_after_each_step(postgres: Postgres, urls: dict[str, str]) -> None:
    server = postgres.admin_url.rsplit("/", 1)[0]
    admin_urls = {service: f"{server}/{url.rsplit('/', 1)[1]}" for service, url in urls.items()}
    indexes_before = indexes(admin_urls)
    filler = Filler(admin_urls, Progress(quiet=True))
    for volume in (Volume(1_000, 500, 1), Volume(2_000, 900, 2)):
        filler.fill(volume)
        with opened(urls["catalogue"]) as catalogue:
            lines = list(reconcile(catalogue))
            bookings = {line["booking_id"]: line["voucher_id"] for line in lines if "booking_id" in line}
        assert [line for line in lines if line["kind"] == "seat-difference"] == []
        with opened(urls["vouchers"]) as vouchers, vouchers.read() as connection:
            assert ledger.differences(connection) == []
            verification = verify_everything(connection)
            held = {hold.booking_id: hold.voucher_id for hold in holds.open_holds(connection)}
        assert verification.faults == ()
        assert verification.entries == volume.bookings
        assert held == bookings
        assert len(held) == volume.bookings // 20
        assert count(admin_urls["catalogue"], "booking") == volume.bookings
        assert count(admin_urls["notifications"], "feed_event") == volume.bookings * 19 // 10
        for service in SERVICES:
            table = "recipient" if service == "notifications" else "person"
            assert count(admin_urls[service], table) == volume.citizens
    assert indexes(admin_urls) == indexes_before


def count(url: str, table: str) -> int:
    return int(rows(url, f"SELECT count(*) FROM {table}")[0][0])  # noqa: S608 - our own names


def indexes(urls: dict[str, str]) -> dict[str, list[tuple[Any, ...]]]:
    query = "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1"
    return {service: rows(url, query) for service, url in urls.items()}


def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()
