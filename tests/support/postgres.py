"""The test run's own PostgreSQL."""

import itertools
import re
import secrets
import subprocess
import sys
from pathlib import Path

import psycopg
from psycopg import sql

from deploy.local.databases import create_database, ensure_database
from deploy.local.ports import free_port
from deploy.local.postgres import PostgresServer
from deploy.local.programs import StartError
from tests.support.processes import ProgramRun, explain

ROOT = Path(__file__).parents[2]


class Postgres:
    """A started server. `durable=True` is for tests that crash it."""

    def __init__(self, home: Path, *, durable: bool = False) -> None:
        self.server = PostgresServer(
            home=home, port=free_port(), password=secrets.token_urlsafe(16), durable=durable
        )
        self.log = home.with_suffix(".log")
        self._numbers = itertools.count(1)
        self._templates: dict[str, str] = {}
        self.server.prepare()
        self.start()

    def start(self) -> None:
        """Start it (again) on the same port and data."""
        self._run = ProgramRun(self.server.program(), self.log)
        try:
            self.server.wait_ready(self._run.is_running)
        except StartError as error:
            self._run.stop()
            raise explain(error, self.log) from error

    def stop(self) -> None:
        """Stop it in order; its databases stay."""
        self._run.stop()

    def kill(self) -> None:
        """Take it down as a power cut would."""
        self._run.kill()

    @property
    def admin_url(self) -> str:
        """libpq URL of the superuser, database `postgres`."""
        return self.server.admin_url

    def create_database(self, owner_prefix: str) -> str:
        """A new, empty database owned by a role of the same name; its SQLAlchemy URL (psycopg 3)."""
        name = f"{_word(owner_prefix)}_{next(self._numbers)}"
        password = secrets.token_urlsafe(16)
        ensure_database(self.admin_url, name, password)
        return _sqlalchemy(self.server.url(name, password, name))

    def copy_database(self, template_url: str) -> str:
        """A copy of a database that nobody is connected to, with the same owner; its URL."""
        owner_part, template = template_url.rsplit("/", 1)
        name = f"{template}_copy_{next(self._numbers)}"
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            create_database(connection, name, owner=template, template=template)
        return f"{owner_part}/{name}"

    def service_database(self, service: str) -> str:
        """A new, freshly migrated database of a service; its URL.

        The service's own `migrate` runs once per test run, into a template which each call copies.
        """
        if service not in self._templates:
            url = self.create_database(service)
            migrate(service, url)
            self._templates[service] = url
        return self.copy_database(self._templates[service])

    def drop_database(self, url: str) -> None:
        """Drop a database; ends the sessions that are still open."""
        name = sql.Identifier(url.rsplit("/", 1)[1])
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


def migrate(service: str, url: str) -> None:
    """Run the service's own migration command against a database."""
    done = subprocess.run(
        [sys.executable, "-m", f"services.{service}", "migrate"],
        cwd=ROOT,
        env={"DATABASE_URL": url, "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if done.returncode != 0:
        raise StartError(f"services.{service} migrate failed:\n{done.stdout}{done.stderr}")


def _word(text: str) -> str:
    return re.sub(r"[^a-z0-9_]", "_", text.lower())[:40]


def _sqlalchemy(url: str) -> str:
    return url.replace("postgresql://", "postgresql+psycopg://", 1)
