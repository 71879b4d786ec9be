"""A physical copy of all databases at one instant: taken from the running server, unpacked, and proved.

The four databases are in one cluster, so one base backup with the write-ahead log of its duration is one
instant of all of them; four dumps would be four. `pg_basebackup` needs no pause and holds nobody up.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from deploy.broker.topology import SERVICES
from deploy.operating.backups.helpers import DATA, PASSWORD, Helper, Server
from deploy.operating.backups.manifest import Database, Postgres, Table

FILES: Final = ("base.tar.gz", "pg_wal.tar.gz", "backup_manifest")
_START_SECONDS: Final = 3600
"""How long a copy may take to replay the log of its duration."""
_PROGRESS: Final = re.compile(r"(\d+)/(\d+) kB")
_LAST_TRANSACTION: Final = re.compile(r"last completed transaction was at log time (\S+ \S+)")

Advance = Callable[[int, int], None]
"""Is told how much is done, and of how much."""

# The slot that it makes for its duration keeps the log that it needs. Level 1 is where gzip still keeps up.
_TAKE: Final = f"""
PGPASSWORD=$(cat {PASSWORD}) exec pg_basebackup --host=127.0.0.1 --username="$PGUSER" --no-password \\
    --pgdata=/backup --format=tar --compress=client-gzip:1 --wal-method=stream --checkpoint=fast \\
    --progress 2>&1
"""
# Every file against the checksum that the server gave it, and the log against itself.
_UNPACK: Final = """
umask 077
rm -rf "$1"
mkdir -p "$1"
tar --no-same-owner -xzf /backup/base.tar.gz -C "$1"
tar --no-same-owner -xzf /backup/pg_wal.tar.gz -C "$1/pg_wal"
cp /backup/backup_manifest "$1/"
chown -R postgres:postgres "$1"
gosu postgres pg_verifybackup --exit-on-error --quiet "$1"
rm "$1/backup_manifest"
"""
_START: Final = f"""
exec pg_ctl start --silent --wait --timeout={_START_SECONDS} --pgdata="$1" --log=/tmp/log \\
    --options="-c listen_addresses= -c shared_buffers=64MB -c autovacuum=off -c archive_mode=off \\
        -c timezone=UTC -c synchronous_standby_names="
"""
_STOP: Final = 'exec pg_ctl stop --silent --wait --mode=fast --pgdata="$1"'
# A row as text is the same wherever the session says the same about time and numbers.
_CONTENTS: Final = """
SET timezone = 'UTC'; SET datestyle = 'ISO, MDY'; SET intervalstyle = 'postgres';
SET extra_float_digits = 1; SET bytea_output = 'hex';
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT json_build_object('migration', string_agg(version_num, ',' ORDER BY version_num)) FROM alembic_version;
SELECT format(
    'SELECT json_build_object(''table'', %L, ''rows'', count(*), '
    '''digest'', coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text) FROM %I.%I t',
    relname, nspname, relname)
FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
WHERE relkind = 'r' AND nspname NOT IN ('pg_catalog', 'information_schema') ORDER BY relname
\\gexec
COMMIT;
"""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a copy holds, by service, and the instant of its last transaction; None if there was none while it
    was taken.
    """

    postgres: Postgres
    databases: dict[str, Database]
    last_transaction: datetime | None


def take(server: Server, directory: Path, advance: Advance) -> None:
    """Write FILES into `directory`, as its owner and on the disk. OperationError if that fails."""
    mounts = {str(directory.resolve()): "/backup", server.source_of(PASSWORD): f"{PASSWORD}:ro"}
    with server.helper(
        mounts,
        user=f"{os.getuid()}:{os.getgid()}",
        cap_add=[],
        network_mode=f"container:{server.container.id}",
        environment={"PGUSER": server.superuser},
    ) as helper:
        for text in helper.stream(_TAKE):
            for done, total in _PROGRESS.findall(text):
                advance(int(done), int(total))


@contextmanager
def unpacked(server: Server, directory: Path, *, volume: str | None = None, into: str) -> Iterator[Helper]:
    """A container in which a backup was unpacked to the path `into`, every file was verified, and a server of
    its own runs on it, reachable by nobody. `volume`: at DATA; without it, what is unpacked goes with the
    container.
    """
    mounts = {str(directory.resolve()): "/backup:ro", server.source_of(PASSWORD): f"{PASSWORD}:ro"}
    if volume is not None:
        mounts[volume] = DATA
    with server.helper(mounts, shm_size="256m") as helper:
        helper.script(_UNPACK, into)
        helper.script(_START, into, user="postgres")
        yield helper


def contents(helper: Helper) -> Contents:
    """Counts and hashes every row of every table."""
    databases = {}
    for service in SERVICES:
        first, *tables = map(json.loads, helper.sql(service, _CONTENTS).splitlines())
        databases[service] = Database(
            migration=first["migration"],
            tables={each["table"]: Table(rows=each["rows"], digest=each["digest"]) for each in tables},
        )
    found = _LAST_TRANSACTION.search(helper.run("cat", "/tmp/log"))  # noqa: S108 - in the container
    last = None if found is None else datetime.fromisoformat(found[1]).astimezone(UTC)
    version = helper.sql("postgres", "SHOW server_version").split()[0]
    return Contents(Postgres(version=version, major=int(version.split(".")[0])), databases, last)


def rehearsed(server: Server, directory: Path) -> Contents:
    """Restore a backup aside and look at what is in it: a copy that nobody has started is a hope."""
    with unpacked(server, directory, into=f"{DATA}/rehearsal") as helper:
        return contents(helper)


def stop(helper: Helper, path: str) -> None:
    """End the server that `unpacked` started, in order."""
    helper.script(_STOP, path, user="postgres")
