"""Another version of everything while people book: none of their requests fails.

Between the versions databases are expanded, and contracted after the last process of the old version has
ended: here, contracted means that writes of the old version are refused.
"""

from __future__ import annotations

import io
import json
import shutil
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.operating.terminal import Exit
from tests.deploy.containers.bookings import Booker, Load, bookers
from tests.support.polling import eventually
from tests.support.stack import PROCESSES, ROOT, Stack

pytestmark = pytest.mark.long

NOW, NEXT, SOUND = "test", "next", "next-sound"
TABLES = {"catalogue": "booking", "vouchers": "hold"}
EXPAND = "ALTER TABLE {table} ADD COLUMN written_by text DEFAULT current_setting('application_name')"
CONTRACT = """
    CREATE FUNCTION only_next() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF current_setting('application_name') NOT LIKE '%-next' THEN
            RAISE EXCEPTION 'the old version still writes';
        END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER only_next BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION only_next();
"""
UNDO = """
    DROP FUNCTION IF EXISTS only_next CASCADE;
    ALTER TABLE {table} DROP COLUMN IF EXISTS written_by;
    UPDATE alembic_version SET version_num = '{head}';
    DROP TABLE IF EXISTS applied_migration;
"""
# A busy machine is slow, which is no failure of an upgrade.
PATIENT = {
    "services": {
        "gateway": {"environment": {"COMMAND_DEADLINE_SECONDS": "20"}},
        "catalogue-grpc": {
            "environment": {"VOUCHER_HOLD_DEADLINE_SECONDS": "15", "GRPC_DEADLINE_CAP_SECONDS": "20"}
        },
    }
}
UNSOUND = """
FROM {image}
ENTRYPOINT ["sh", "-c", "[ $0 != grpc ] && exec python -m services.vouchers $0 $@; echo cannot serve; exit 1"]
"""


def head(service: str) -> str:
    """The last migration of this version."""
    versions = ROOT / "services" / service / "persistence" / "migrations" / "versions"
    return max(file.name[:4] for file in versions.glob("0*.py"))


def migration(revision: str, before: str, phase: str, statement: str) -> str:
    return (
        f"from alembic import op\nrevision, down_revision, phase = {revision!r}, {before!r}, {phase!r}\n\n"
        f"def upgrade():\n    op.execute({statement!r})\n"
    )


def make_next(root: Path) -> None:
    """A copy of the project that tells the database its version, and that has migrations."""
    for part in ("services", "gateway", "deploy", "requirements"):
        leave = shutil.ignore_patterns("secrets", "backups", "__pycache__", "node_modules")
        shutil.copytree(ROOT / part, root / part, ignore=leave)
    shutil.copy(ROOT / ".dockerignore", root)
    commands = root / "services" / "chassis" / "commands.py"
    name = 'f"{definition.name}-{process}"'
    assert name in commands.read_text()
    commands.write_text(commands.read_text().replace(name, 'f"{definition.name}-{process}-next"'))
    for service, table in TABLES.items():
        versions = root / "services" / service / "persistence" / "migrations" / "versions"
        expand = migration("9001", head(service), "expand", EXPAND.format(table=table))
        contract = migration("9002", "9001", "contract", CONTRACT.format(table=table))
        (versions / "9001_expand.py").write_text(expand)
        (versions / "9002_contract.py").write_text(contract)


@pytest.fixture(scope="module")
def secured(stack: Stack, people: list[Booker], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Behind the proxy, with the next version's images; afterwards as before, also in the databases."""
    root = tmp_path_factory.mktemp("next")
    make_next(root)
    stack.compose("run", "--rm", "secrets", "certificate", "localhost")
    patient = root / "patient.json"
    patient.write_text(json.dumps(PATIENT))
    proxied = stack.under(
        "deploy/compose.tls.yaml", str(patient), services=["catalogue-grpc", "gateway", "proxy"]
    )
    with stack.built(root, NEXT), proxied:
        yield stack
        for service, table in TABLES.items():
            stack.sql(service, UNDO.format(table=table, head=head(service)))


@pytest.fixture(scope="module")
def people(stack: Stack) -> list[Booker]:
    return bookers(stack, 6)


@pytest.fixture(scope="module")
def load(secured: Stack, people: list[Booker]) -> Iterator[Load]:
    trust = ssl.create_default_context(cafile=str(secured.secrets / "tls.crt"))
    running = Load(f"https://localhost:{secured.https}/api/v1", trust, people)
    try:
        goes_on(running)
        yield running
    finally:
        running.stop()


def goes_on(load: Load) -> None:
    before = load.answers.total()
    eventually(lambda: load.answers.total() > before + 50, timeout_seconds=60)
    nothing_failed(load)


def nothing_failed(load: Load) -> None:
    assert not load.failures, f"{dict(load.answers)}: {load.failures[:10]}"


def versions(stack: Stack) -> dict[str, list[str]]:
    """Of each process's containers."""
    return {
        name: [each.attrs["Config"]["Image"].rpartition(":")[2] for each in stack.containers(name)]
        for name in PROCESSES
    }


def migration_of(stack: Stack) -> dict[str, str]:
    """The last one of each database that has more in the next version."""
    asked = "SELECT version_num FROM alembic_version"
    return {service: stack.sql(service, asked).strip() for service in TABLES}


def all_at(version: str) -> dict[str, list[str]]:
    return {name: [version] for name in PROCESSES}


def test_an_upgrade_that_fails_leaves_what_works_and_is_taken_back(secured: Stack, load: Load) -> None:
    images = secured.client.images
    vouchers = f"{secured.images}/vouchers"
    images.get(f"{vouchers}:{NEXT}").tag(vouchers, SOUND)
    try:
        unsound = UNSOUND.format(image=f"{vouchers}:{SOUND}")
        images.build(fileobj=io.BytesIO(unsound.encode()), tag=f"{vouchers}:{NEXT}", rm=True)
        run = secured.operation("upgrade", NEXT)
        assert run.returncode == Exit.FAILED
        assert f"vouchers-grpc of {NEXT} does not become healthy" in run.stderr
        assert "cannot serve" in run.stderr
        behind_queues = {
            name: [NEXT] for name in PROCESSES if not name.endswith("grpc") and name != "gateway"
        }
        assert versions(secured) == all_at(NOW) | behind_queues
        goes_on(load)
        assert secured.operate("upgrade", "--back")["state"] == "done"
        assert versions(secured) == all_at(NOW)
        goes_on(load)
    finally:
        images.get(f"{vouchers}:{SOUND}").tag(vouchers, NEXT)
        images.remove(f"{vouchers}:{SOUND}")


def test_nobody_who_books_notices_an_upgrade(secured: Stack, load: Load) -> None:
    told = secured.operate("upgrade", NEXT, "--hold")
    assert (told["from"], told["to"], told["state"]) == (NOW, NEXT, "held")
    assert migration_of(secured) == dict.fromkeys(TABLES, "9001"), "there is a way back"
    goes_on(load)
    assert secured.operate("upgrade", NEXT)["state"] == "done"
    assert migration_of(secured) == dict.fromkeys(TABLES, "9002")
    goes_on(load)
    load.stop()
    nothing_failed(load)
    assert versions(secured) == all_at(NEXT)

    written = set(secured.sql("catalogue", "SELECT DISTINCT written_by FROM booking").splitlines())
    assert {"catalogue-grpc", "catalogue-grpc-next"} <= written, "both versions have booked"
    confirmed = secured.sql("catalogue", "SELECT person_id, id FROM booking WHERE state = 'confirmed'")
    persons = {each.citizen.id for each in load.bookers}
    rows = [line.split("|") for line in confirmed.splitlines()]
    assert sorted(booking for person, booking in rows if person in persons) == sorted(load.open)
    eventually(lambda: secured.operation("reconcile").returncode == Exit.WELL, timeout_seconds=60)
