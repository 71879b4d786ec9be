"""The schema, the jobs and the commands."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from services.catalogue.bootstrap import SERVICE
from services.catalogue.entrypoints.worker import jobs, subscriptions
from services.catalogue.persistence import tables
from services.catalogue.settings import Settings
from services.chassis.ids import new_id
from services.chassis.migrations import BOOKKEEPING
from tests.catalogue.world import World

ROOT = Path(__file__).parents[3]


def test_the_tables_are_what_the_migrations_make(world: World) -> None:
    inspector = sa.inspect(world.database.engine)
    names = set(inspector.get_table_names()) - BOOKKEEPING
    assert names == set(tables.metadata.tables)
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    for name, table in tables.metadata.tables.items():
        found = {
            column["name"]: (column["type"].compile(dialect), column["nullable"])
            for column in inspector.get_columns(name)
        }
        wanted = {column.name: (column.type.compile(dialect), column.nullable) for column in table.columns}
        if "search" in wanted:
            wanted["search"] = found["search"]  # generated
        assert found == wanted, name


def test_the_worker_s_parts(world: World) -> None:
    settings = Settings(database_url=world.database.url)
    handled = {kind for one in subscriptions(settings, world.database) for kind in one.event_types}
    assert handled == SERVICE.consumes
    made = {job.name: job for job in jobs(settings, world.database)}
    assert set(made) == {"sweep", "slots", "overdue", "reconcile"}
    world.holds.hold = _dies  # type: ignore[method-assign]
    with suppress(KeyboardInterrupt):
        world.book(voucher=new_id())
    held = tables.booking
    world.update(held, held_until=sa.func.now() - sa.text("interval '1 second'"))
    made["sweep"].run(world.database)
    assert [row.state for row in world.rows(sa.select(held.c.state))] == ["lapsed"]
    made["slots"].run(world.database)


def _dies(booking: object, caller: object) -> None:
    raise KeyboardInterrupt


def _run(world: World, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "services.catalogue", *arguments],
        cwd=ROOT,
        env={"DATABASE_URL": world.database.url, "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_commands(world: World, tmp_path: Path) -> None:
    refused = _run(world, "load", str(tmp_path))
    assert refused.returncode == 1
    assert "ambito.yaml" in refused.stderr
    done = _run(world, "slots")
    assert done.returncode == 0, done.stderr
    assert "3 offerings: 0 created" in done.stdout
    booking = world.book(voucher=new_id())
    report = _run(world, "reconcile")
    assert report.returncode == 0, report.stderr
    (line,) = map(json.loads, report.stdout.splitlines())
    assert (line["kind"], line["booking_id"]) == ("open-booking", str(booking.id))
    world.slot(taken=1)
    assert _run(world, "reconcile").returncode == 1


def test_each_process_loads_its_own_libraries_only() -> None:
    for module, foreign in (
        ("services.catalogue.entrypoints.worker", "grpc"),
        ("services.catalogue.entrypoints.grpc_api", "eventlet"),
        ("services.catalogue.bootstrap", "sqlalchemy"),
    ):
        code = f"import sys, {module}; sys.exit({foreign!r} in sys.modules)"
        assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0, module
