"""What a backup says of itself, where backups are kept, and how databases take each other's place."""

from __future__ import annotations

import fcntl
import json
import os
import stat
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Update
from sqlalchemy.dialects import postgresql

from deploy.containers.fingerprints import fingerprints
from deploy.operating.backups import replacement, store
from deploy.operating.backups.broker import taken_over
from deploy.operating.backups.manifest import (
    Database,
    Manifest,
    Postgres,
    Table,
    different_databases,
    different_keys,
    digest,
)
from deploy.operating.installation import OperationError
from services.chassis.messaging.outbox_commands import publish_again

BEGUN = datetime(2026, 11, 28, 15, 49, 23, tzinfo=UTC)


def manifest(directory: Path) -> Manifest:
    """Of a backup with one file, written into `directory`."""
    (directory / "base.tar.gz").write_bytes(b"all of it")
    made = Manifest(
        project="ambito",
        begun_at=BEGUN,
        data_until=BEGUN,
        postgres=Postgres(version="17.6", major=17),
        images={},
        databases={"vouchers": database(ledger_entry=("3", 3))},
        queues={},
        keys={"event-data-keys": {"k1": "abc"}},
        files={"base.tar.gz": digest(directory / "base.tar.gz")},
    )
    store.write(directory / "manifest.json", made.model_dump_json())
    return made


def database(**tables: tuple[str, int]) -> Database:
    return Database(
        migration="0001",
        tables={name: Table(digest=each, rows=rows) for name, (each, rows) in tables.items()},
    )


def test_a_manifest_that_was_written_is_read_and_its_files_are_whole(tmp_path: Path) -> None:
    made = manifest(tmp_path)
    assert Manifest.read(tmp_path) == made
    read: list[int] = []
    made.check(tmp_path, read.append)
    assert read == [made.bytes] == [len(b"all of it")]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"all of At", "sha256"),
        (b"all of", "6 bytes instead of 9"),
        (None, "No such file"),
    ],
)
def test_a_file_that_is_not_what_was_written_is_named(
    tmp_path: Path, content: bytes | None, reason: str
) -> None:
    made = manifest(tmp_path)
    (tmp_path / "base.tar.gz").unlink()
    if content is not None:
        (tmp_path / "base.tar.gz").write_bytes(content)
    with pytest.raises(OperationError, match=rf"base\.tar\.gz: .*{reason}"):
        made.check(tmp_path)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"format": 2}, "has format 2, this tool knows 1"),
        ({"files": {"base.tar.gz": {"bytes": "many", "sha256": ""}}}, r"files\.base\.tar\.gz\.bytes"),
        ({"project": None}, "damaged: project"),
    ],
)
def test_what_a_tool_does_not_understand_it_refuses(
    tmp_path: Path, change: dict[str, object], reason: str
) -> None:
    content = json.loads(manifest(tmp_path).model_dump_json()) | change
    (tmp_path / "manifest.json").write_text(json.dumps(content))
    with pytest.raises(OperationError, match=reason):
        Manifest.read(tmp_path)


def test_a_directory_without_a_manifest_is_no_backup(tmp_path: Path) -> None:
    with pytest.raises(OperationError, match="is not a backup"):
        Manifest.read(tmp_path)


def test_tables_that_differ_are_named_with_their_rows() -> None:
    before = {"vouchers": database(hold=("7", 1), ledger_entry=("3", 3)), "catalogue": database()}
    after = {"vouchers": database(hold=("7", 1), ledger_entry=("4", 3), more=("1", 1))}
    assert different_databases(before, before) == []
    assert different_databases(before, after) == [
        "catalogue: its database is missing",
        "vouchers.ledger_entry: 3 rows backed up, 3 found, or others",
        "vouchers.more: 0 rows backed up, 1 found, or others",
    ]


def test_keys_that_are_missing_or_others_are_named_and_newer_ones_do_not_matter() -> None:
    needed = {"data-keys": {"k1": "a", "k2": "b"}, "index-key": {"": "c"}}
    assert (
        different_keys(needed, {"data-keys": {"k3": "n", "k1": "a", "k2": "b"}, "index-key": {"": "c"}}) == []
    )
    assert different_keys(needed, {"data-keys": {"k1": "x"}, "index-key": {"": "c"}}) == [
        "data-keys: key k1 is another one",
        "data-keys: key k2 is missing",
    ]


def test_fingerprints_tell_keys_apart_and_say_nothing_of_them(tmp_path: Path) -> None:
    key, other = "A" * 43 + "=", "B" * 43 + "="
    for service in ("identity", "catalogue", "vouchers", "notifications"):
        (tmp_path / f"{service}-data-keys").write_text(f"k2:{other}, k1:{key}\n")
    (tmp_path / "event-data-keys").write_text(f"k1:{key.rstrip('=')}")
    for name in ("identity-blind-index-key", "catalogue-delivery-code-key"):
        (tmp_path / name).write_text(key)
    found = fingerprints(tmp_path)
    assert found["identity-data-keys"].keys() == {"k1", "k2"}
    assert found["identity-data-keys"]["k1"] == found["event-data-keys"]["k1"]
    assert found["identity-data-keys"]["k1"] != found["identity-data-keys"]["k2"]
    assert found["identity-blind-index-key"][""] == found["event-data-keys"]["k1"]
    assert "AAAA" not in json.dumps(found)


def test_a_backup_has_its_name_only_when_it_is_complete(tmp_path: Path) -> None:
    root = tmp_path / "backups"
    with store.locked(root):
        with pytest.raises(OperationError, match="No space left"), store.new(root, store.name_of(BEGUN)):  # noqa: PT012
            assert store.backups(root) == []
            raise OSError(28, "No space left on device")
        assert [each.name for each in root.iterdir()] == [".lock"]
        with store.new(root, store.name_of(BEGUN)) as directory:
            manifest(directory)
    (made,) = store.backups(root)
    assert made.name == "20261128T154923Z"
    assert [stat.S_IMODE(each.stat().st_mode) for each in (root, made, made / "manifest.json")] == [
        0o700,
        0o700,
        0o600,
    ]
    with pytest.raises(OperationError, match="exists already"), store.new(root, made.name):
        pass
    assert Manifest.read(made)


def test_what_an_interrupted_backup_left_goes_with_the_next_one_but_not_while_it_is_under_way(
    tmp_path: Path,
) -> None:
    left = tmp_path / f".{store.name_of(BEGUN)}.unfinished"
    left.mkdir()
    other = os.open(tmp_path / ".lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(other, fcntl.LOCK_EX)
    with pytest.raises(OperationError, match="another backup"), store.locked(tmp_path):
        pass
    assert left.exists()
    os.close(other)
    with store.locked(tmp_path):
        assert not left.exists()


def test_only_the_oldest_backups_are_removed_and_nothing_else(tmp_path: Path) -> None:
    for day in (27, 25, 26, 28):
        directory = tmp_path / f"202611{day}T030000Z"
        directory.mkdir()
        manifest(directory)
    others = {"notes.txt", "20261101T030000Z"}  # the second has no manifest
    (tmp_path / "notes.txt").touch()
    (tmp_path / "20261101T030000Z").mkdir()
    removed = store.prune(tmp_path, 2)
    assert [each.name for each in removed] == ["20261125T030000Z", "20261126T030000Z"]
    assert {each.name for each in tmp_path.iterdir()} == others | {"20261127T030000Z", "20261128T030000Z"}
    assert store.prune(tmp_path, 2) == []


def test_a_broker_takes_over_everything_but_another_ones_administrator() -> None:
    definitions = {
        "rabbit_version": "4.0.1",
        "global_parameters": [{"name": "cluster_name", "value": "other"}],
        "users": [{"name": "admin", "tags": ["administrator"]}, {"name": "coop-a", "tags": []}],
        "vhosts": [{"name": "/"}, {"name": "ambito"}],
        "permissions": [{"user": "admin", "vhost": "ambito"}, {"user": "coop-a", "vhost": "ambito"}],
        "queues": [{"name": "coop.a"}],
    }
    everything = {"configure": ".*", "write": ".*", "read": ".*"}
    assert taken_over(definitions, {"root"}) == {
        "users": [{"name": "coop-a", "tags": []}],
        "vhosts": [{"name": "ambito"}],
        "permissions": [
            {"user": "coop-a", "vhost": "ambito"},
            {"user": "root", "vhost": "ambito"} | everything,
        ],
        "queues": [{"name": "coop.a"}],
    }


def test_events_are_published_again_as_outbox_again_does_it() -> None:
    """The statement stands twice, because a copy's server can be reached by nobody but psql."""
    said: list[str] = []

    class Connection:
        def execute(self, statement: Update) -> Result:
            dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
            said.append(str(statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True})))
            return Result()

    class Result:
        rowcount = 0

    publish_again(Connection(), BEGUN)  # type: ignore[arg-type]
    own = replacement._AGAIN.format(since=BEGUN.isoformat(sep=" "))
    assert "".join(said[0].split()).replace("outbox.", "") in "".join(own.split())


def swap_interrupted_after(moves: int, data: Path, tools: Path) -> int:
    """Runs the renames with a `mv` that works `moves` times; the script's exit code."""
    (tools / "left").write_text(str(moves))
    new, old = data / "pgsql_tmp_restoring", data / "pgsql_tmp_replaced"
    environment = {"PATH": f"{tools}:{os.environ['PATH']}", "LEFT": str(tools / "left")}
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", replacement._SWAP, "bash", str(data), str(new), str(old)],
        env=environment, stderr=subprocess.DEVNULL, timeout=60, check=False,
    ).returncode  # fmt: skip


def unpack(data: Path, tools: Path) -> None:
    """As a restore begins, the second time too."""
    new, old = data / "pgsql_tmp_restoring", data / "pgsql_tmp_replaced"
    subprocess.run(
        ["bash", "-euo", "pipefail", "-c", replacement._CLEAN, "bash", str(data), str(new), str(old)],
        env={"PATH": f"{tools}:{os.environ['PATH']}"}, timeout=60, check=True,
    )  # fmt: skip
    cluster(new, "new", "only-new")


def cluster(directory: Path, content: str, *more: str) -> None:
    for name in ("base", "global", "pg_wal", *more):
        (directory / name).mkdir(parents=True)
        (directory / name / "pg_control").write_text(content)
    (directory / "PG_VERSION").write_text(content)


def contents(data: Path) -> set[str]:
    """Of what would be started."""
    return {path.read_text() for pattern in ("*/pg_control", "PG_VERSION") for path in data.glob(pattern)}


@pytest.mark.parametrize("moves", range(12))
def test_databases_half_replaced_cannot_start_and_are_replaced_by_doing_it_again(
    tmp_path: Path, moves: int
) -> None:
    tools, data = tmp_path / "tools", tmp_path / "data"
    tools.mkdir()
    for name, text in {
        "mv": 'n=$(<"$LEFT"); ((n > 0)) || exit 1; echo $((n - 1)) > "$LEFT"; exec /bin/mv "$@"',
        "chown": "exit 0",
        "sync": "exit 0",
    }.items():
        (tools / name).write_text(f"#!/bin/bash\n{text}\n")
        (tools / name).chmod(0o755)
    cluster(data, "old", "only-old")
    unpack(data, tools)
    status = swap_interrupted_after(moves, data, tools)
    found = {
        path.read_text() for path in data.glob("*/pg_control") if not path.parent.name.startswith("pgsql")
    }
    if (data / "global").exists():
        assert found in ({"old"}, {"new"}), "PostgreSQL starts on all of one cluster"
    kept = [path for path in data.rglob("*") if path.is_file() and path.read_text() == "old"]
    assert len(kept) == 5, "nothing of what was there is gone"
    assert (status == 0) == (moves >= 10)
    unpack(data, tools)
    assert swap_interrupted_after(99, data, tools) == 0
    assert {each.name for each in data.iterdir()} == {
        "PG_VERSION", "base", "global", "pg_wal", "only-new", "pgsql_tmp_replaced",
    }  # fmt: skip
    assert contents(data) == {"new"}
