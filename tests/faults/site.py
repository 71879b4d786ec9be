"""An installation made to be broken: with proxies between parts, crash points, an administrator's eye."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import httpx
import psycopg
import sqlalchemy as sa
from psycopg.rows import TupleRow

from deploy.local.environment import SERVICES
from deploy.local.instance import Instance
from deploy.local.progress import Progress
from tests.bench.population import roomy_territory
from tests.bench.system import System
from tests.faults.consumers import Consumers
from tests.faults.cooperatives import Cooperative
from tests.faults.life import BOOKINGS, Life
from tests.faults.paths import WEBHOOKS, Proxies
from tests.faults.people import PROVIDERS, equip, market
from tests.support.proxy import Proxy
from tests.system.world import World

SEATS = 60
"""Of each slot: enough for a run, few enough that the slots everybody wants are full soon."""
_SHORT_TIMES = {
    # What was under way when its process died is attempted again when its lease ends.
    "EMAIL_LEASE_SECONDS": "10",
    "SMTP_TIMEOUT_SECONDS": "3",
    "WEBHOOK_TIMEOUT_SECONDS": "4",
    "WEBHOOK_LEASE_SECONDS": "8",
}


@dataclass
class Planted:
    """What the harness itself put into the system and has to account for."""

    poison: dict[str, set[str]] = field(default_factory=lambda: {name: set() for name in SERVICES})
    """Service → message ids that must end among its dead letters, and nothing else may."""
    wrong: list[str] = field(default_factory=list)
    """What a fault itself saw and must not have."""
    untimely_webhooks: bool = False
    """Whether the clock by which webhooks are signed has stepped."""


class Site:
    """A running installation; `world` for what people do, the rest for what nobody should."""

    def __init__(self, directory: Path, progress: Progress) -> None:
        self.progress = progress
        self.planted = Planted()
        self.persons: set[str] = set()
        """Everybody whose registration was acknowledged."""
        self._crash_directory = directory / "crash-points"
        self._proxies = Proxies(lambda: self.instance.ports)
        self.instance = Instance(
            directory / "var",
            territory=roomy_territory(directory, seats=SEATS),
            environment={},
            adjust=self._adjust,
            quiet=True,
        )

    def start(self) -> None:
        """Bring it up, and let the cooperatives connect."""
        self.instance.up()
        self.world = World(self.instance)
        self.system = System(self.instance)
        self.engines: Mapping[str, sa.Engine] = {
            name: sa.create_engine(self.instance.database_url(name), pool_pre_ping=True) for name in SERVICES
        }
        self.consumers = Consumers(self.instance)
        self.cooperatives = {slug: Cooperative(self.world, slug) for slug in PROVIDERS}
        self.connected_at = datetime.now(UTC)
        [purse] = equip(self, 1)
        self.impatient = Life(market(self), purse, BOOKINGS, random.Random(0))  # noqa: S311  # chance
        """Of somebody whose client is no good one: see kinds/clients.py."""

    def close(self) -> None:
        """Take everything away, whatever state it is in."""
        for cooperative in getattr(self, "cooperatives", {}).values():
            cooperative.close()
        for engine in getattr(self, "engines", {}).values():
            engine.dispose()
        if hasattr(self, "world"):
            self.world.close()
        self.instance.clean()
        self._proxies.close()

    def keep_logs(self, place: Path) -> None:
        """Copy the logs of all programs, to find out what went wrong."""
        shutil.copytree(self.instance.layout.logs, place, dirs_exist_ok=True)

    def proxies(self, path: str) -> list[Proxy]:
        """What everything that takes this path goes through."""
        if path == WEBHOOKS:
            return [cooperative.way_in for cooperative in self.cooperatives.values()]
        return [self._proxies[path]]

    def crash_directory(self, program: str) -> Path:
        """Where that program looks for armed crash points."""
        return self._crash_directory / program

    def clock_step(self, program: str) -> Path:
        """Where that program looks whether its clock has stepped."""
        return self._crash_directory / f"{program}.clock"

    def rows(self, service: str, statement: str, **values: object) -> list[tuple[object, ...]]:
        """What a service's database says."""
        with self.engines[service].connect() as connection:
            return [tuple(row) for row in connection.execute(sa.text(statement), values)]

    def change(self, service: str, statement: str) -> None:
        """Changes what a service's database says."""
        with self.engines[service].begin() as connection:
            connection.execute(sa.text(statement))

    def count(self, service: str, rows: str) -> int:
        """How many `rows` (what follows FROM) there are."""
        ((found,),) = self.rows(service, f"SELECT count(*) FROM {rows}")  # noqa: S608 - our own words
        return int(str(found))

    def unhandled(self, service: str) -> Mapping[str, int]:
        """Consumer of a service → how many events it must have handled and has not."""
        published = [
            (str(event_id), str(event_type))
            for producer, types in self.consumers.types(service).items()
            for event_id, event_type in self.rows(
                producer, "SELECT event_id, type FROM outbox WHERE type = ANY(:types)", types=types
            )
        ]
        inbox = {
            (str(consumer), str(event_id))
            for consumer, event_id in self.rows(service, "SELECT consumer, event_id FROM inbox")
        }
        return self.consumers.missing(service, published, inbox)

    def administer(self, database: str = "postgres") -> psycopg.Connection[TupleRow]:
        """A superuser's connection, which commits each statement."""
        url = f"{self.system.admin_url.rsplit('/', 1)[0]}/{database}"
        return psycopg.connect(url, autocommit=True, connect_timeout=3)

    def management(self) -> httpx.Client:
        """The broker's management API, as its administrator."""
        return httpx.Client(base_url=self.instance.management_url(), timeout=10, trust_env=False)

    @property
    def vhost(self) -> str:
        """The virtual host, as it stands in a path of the management API."""
        return quote(unquote(urlsplit(self.system.broker_url).path.removeprefix("/")), safe="")

    def _adjust(self, program: str, environment: dict[str, str]) -> dict[str, str]:
        directory = self.crash_directory(program)
        directory.mkdir(parents=True, exist_ok=True)
        changed = self._proxies.adjust(program, environment) | {
            "CRASH_POINTS": str(directory),
            "CLOCK_STEP": str(self.clock_step(program)),
        }
        if program == "notifications-deliver":
            changed |= _SHORT_TIMES
        return changed


@contextmanager
def breakable_site(directory: Path, progress: Progress) -> Iterator[Site]:
    """A site that is up; ended and deleted afterwards. `directory` must be open to the servers' users."""
    directory.mkdir(exist_ok=True)
    directory.chmod(0o755)
    site = Site(directory, progress)
    try:
        with progress.step("an installation of its own"):
            site.start()
        yield site
    finally:
        with progress.step("taking the installation away"):
            site.close()
