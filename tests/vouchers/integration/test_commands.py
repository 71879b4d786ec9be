"""The commands, each as a process of its own."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from services.chassis.database import Database
from services.chassis.ids import new_id
from services.contracts.territory import read_territory
from services.contracts.territory.funding import Unit
from services.vouchers.application.load_territory import load_territory
from services.vouchers.domain.refusals import MeasureUnitFixed
from services.vouchers.persistence import copies, funding
from tests.vouchers.world import HOME_CARE, World

ROOT = Path(__file__).parents[3]
TRADATE = ROOT / "deploy" / "data" / "tradate"


def command(database: Database, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "services.vouchers", *arguments],
        cwd=ROOT,
        env={"DATABASE_URL": database.url, "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def contents(database: Database) -> list[tuple[object, ...]]:
    tables = ("ambito", "measure", "budget")
    with database.read() as connection:
        return [
            tuple(row)
            for table in tables
            for row in connection.execute(sa.text(f"SELECT {table}.*, xmin FROM {table} ORDER BY 1, 2, 3"))  # noqa: S608
        ]


class TestLoad:
    def test_twice_changes_nothing(self, database: Database) -> None:
        first = command(database, "load", str(TRADATE))
        assert first.returncode == 0, first.stderr
        before = contents(database)
        again = command(database, "load", str(TRADATE))
        assert again.returncode == 0, again.stderr
        assert "0 measures and 0 budgets new or changed" in again.stdout
        assert contents(database) == before
        with database.read() as connection:
            assert len(funding.list_budgets(connection, None, 2026)) > 8
            assert funding.find_regulation(connection) is not None

    def test_an_allocation_rises_but_not_below_what_is_committed(
        self, database: Database, tmp_path: Path
    ) -> None:
        assert command(database, "load", str(TRADATE)).returncode == 0
        with database.transaction() as connection:
            assert funding.commit(connection, "C273", "fondo-sociale-comunale", 2026, 1_000_000)
        folder = tmp_path / "territory"
        shutil.copytree(TRADATE, folder)
        for cents, status in (("999999", 1), ("1000000", 0), ("9000000", 0)):
            lines = (TRADATE / "budgets.yaml").read_text().splitlines(keepends=True)
            place = next(
                number
                for number, line in enumerate(lines)
                if "comune: C273, fund: fondo-sociale-comunale, year: 2026" in line
            )
            lines[place] = f"  - {{comune: C273, fund: fondo-sociale-comunale, year: 2026, cents: {cents}}}\n"
            (folder / "budgets.yaml").write_text("".join(lines))
            before = contents(database)
            done = command(database, "load", str(folder))
            assert done.returncode == status, done.stderr
            if status:
                assert "commits 1000000 cents, more than 999999" in done.stderr
                assert contents(database) == before

    def test_a_measure_in_use_keeps_counting_what_it_counts(self, database: Database, tmp_path: Path) -> None:
        assert command(database, "load", str(TRADATE)).returncode == 0
        territory = read_territory(TRADATE)
        first, *others = territory.measures
        other_unit = {"unit": Unit.CENTS, "hourly_tariff_cents": None}
        changed = territory.model_copy(update={"measures": (first.model_copy(update=other_unit), *others)})
        with database.transaction() as connection:
            load_territory(connection, changed)
            load_territory(connection, territory)
        world = World(database)
        copy = copies.ServiceCopy(HOME_CARE, "anziani", 60, 2200, frozenset({first.slug}))
        world.run(copies.keep_service, copy, 1)
        lines = [{"measure": first.slug, "service": HOME_CARE, "quantity": 60}]
        world.draft(world.person(), lines=lines)
        with pytest.raises(MeasureUnitFixed), database.transaction() as connection:
            load_territory(connection, changed)

    def test_another_territory_is_refused(self, world: World) -> None:
        done = command(world.database, "load", str(TRADATE))
        assert done.returncode == 1
        assert "belongs to the ambito ambito-di-prova" in done.stderr

    def test_broken_data_are_named_by_file_and_line(self, database: Database, tmp_path: Path) -> None:
        shutil.copytree(TRADATE, tmp_path / "territory")
        (tmp_path / "territory" / "measures.yaml").write_text("measures:\n  - slug: 1\n")
        done = command(database, "load", str(tmp_path / "territory"))
        assert (done.returncode, "measures.yaml:2" in done.stderr) == (1, True)


def test_holds_are_listed_one_a_line(world: World) -> None:
    voucher, held, ended = world.voucher(), new_id(), new_id()
    world.hold(voucher, held, minutes=90)
    world.hold(voucher, ended)
    world.end(ended)
    world.end(new_id())
    done = command(world.database, "holds")
    assert done.returncode == 0, done.stderr
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        {"booking_id": str(held), "voucher_id": str(voucher.id), "quantity": 90}
    ]


def test_a_whole_ledger_verifies_and_reconciles(world: World) -> None:
    world.hold(world.voucher())
    verified, reconciled = command(world.database, "verify-ledger"), command(world.database, "reconcile")
    assert (verified.returncode, "1 vouchers, 2 entries, 0 faults" in verified.stdout) == (0, True)
    assert (reconciled.returncode, "0 differences" in reconciled.stdout) == (0, True)


def test_a_changed_one_does_not(world: World) -> None:
    voucher = world.voucher()
    world.hold(voucher)
    with world.database.transaction() as connection:
        change = "UPDATE voucher SET available = available + 10, reserved = reserved - 10"
        connection.execute(sa.text(change))
    for name in ("verify-ledger", "reconcile"):
        done = command(world.database, name)
        assert done.returncode == 1
        assert str(voucher.id) in done.stderr


@pytest.mark.parametrize("name", ["load", "verify-ledger", "holds", "reconcile"])
def test_every_command_says_what_it_is_for(database: Database, name: str) -> None:
    done = command(database, name, "--help")
    assert (done.returncode, name in done.stdout) == (0, True)
