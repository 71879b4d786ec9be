"""Copies of the services' databases on the same server, for pgbench to write into."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence

import psycopg
from psycopg import sql

from tests.bench.pgbench import tool

_COPY_TIMEOUT_SECONDS = 120


class Scratch:
    """A copy of the database `source`, which may be in use; dropped by `close`."""

    def __init__(self, admin_url: str, source: str, *, purpose: str = "") -> None:
        """`admin_url`: libpq URL of a superuser. `purpose` tells several copies of one source apart."""
        self._admin_url = admin_url
        self._server = admin_url.rsplit("/", 1)[0]
        self.name = f"bench_{source}_{purpose}" if purpose else f"bench_{source}"
        self._drop()
        self._administer("CREATE DATABASE {}")
        self._copy(source)
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")

    @property
    def url(self) -> str:
        """libpq URL."""
        return f"{self._server}/{self.name}"

    @property
    def sqlalchemy_url(self) -> str:
        return self.url.replace("postgresql://", "postgresql+psycopg://", 1)

    def count(self, table: str) -> int:
        """How many rows a table has."""
        with psycopg.connect(self.url) as connection:
            query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
            row = connection.execute(query).fetchone()
        assert row is not None
        return int(row[0])

    def add_targets(self, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """A table `bench_target` with these text columns and a number `k` from 0, for scripts to choose."""
        comma = sql.SQL(", ")
        names = comma.join(map(sql.Identifier, columns))
        typed = comma.join(sql.SQL("{} text").format(sql.Identifier(name)) for name in columns)
        create = sql.SQL("CREATE TABLE bench_target (k integer PRIMARY KEY, {})").format(typed)
        copy_in = sql.SQL("COPY bench_target (k, {}) FROM STDIN").format(names)
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(create)
            with connection.cursor() as cursor, cursor.copy(copy_in) as copy:
                for number, row in enumerate(rows):
                    copy.write_row([number, *map(str, row)])
            connection.execute("ANALYZE bench_target")

    def close(self) -> None:
        self._drop()

    def _copy(self, source: str) -> None:
        environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
        dump = [str(tool("pg_dump")), "--no-owner", "--no-privileges", f"--dbname={self._server}/{source}"]
        load = [str(tool("psql")), "--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", f"--dbname={self.url}"]
        with subprocess.Popen(dump, env=environment, stdout=subprocess.PIPE) as dumping:
            subprocess.run(
                load,
                env=environment,
                stdin=dumping.stdout,
                stdout=subprocess.DEVNULL,
                check=True,
                timeout=_COPY_TIMEOUT_SECONDS,
            )
        if dumping.returncode != 0:
            raise RuntimeError(f"pg_dump of {source} failed")

    def _drop(self) -> None:
        self._administer("DROP DATABASE IF EXISTS {} WITH (FORCE)")

    def _administer(self, statement: str) -> None:
        with psycopg.connect(self._admin_url, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(sql.Identifier(self.name)))
