"""Where an installation keeps what, and what it uses of the outside."""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local.environment import SERVICES
from deploy.local.postgres import SHARED_BUFFERS
from deploy.local.programs import StartError

ROOT = Path(__file__).resolve().parents[2]
OWN_VAR = (ROOT / "var").resolve()
_SYSTEM_PLACE = Path("/var/lib/ambito")


def default_var() -> Path:
    """`$AMBITO_VAR`, or `var` in the project."""
    return Path(os.environ.get("AMBITO_VAR") or OWN_VAR).resolve()


@dataclass(frozen=True)
class Layout:
    """The directories of one installation."""

    var: Path

    @property
    def logs(self) -> Path:
        return self.var / "logs"

    @property
    def mail(self) -> Path:
        """Maildir of the local mail sink."""
        return self.var / "mail"

    @property
    def secrets(self) -> Path:
        return self.var / "secrets"

    @property
    def supervisor(self) -> Path:
        return self.var / "supervisor"

    @property
    def instance_file(self) -> Path:
        return self.var / "instance.json"

    @property
    def system_place(self) -> Path:
        """Takes the servers' data when their users cannot reach `var` (a project below a closed home)."""
        return _SYSTEM_PLACE / hashlib.sha256(str(self.var).encode()).hexdigest()[:12]

    def server_home(self, name: str, user: str | None) -> Path:
        """The directory of a server that runs as `user`: `var/<name>` where possible.

        Chosen once: where data lie, they stay.
        """
        self.var.mkdir(parents=True, exist_ok=True)
        home, outside = self.var / name, self.system_place / name
        if home.is_symlink():
            outside.mkdir(parents=True, exist_ok=True)
            return outside
        if home.exists() or user is None or _can_enter(user, self.var):
            return home
        outside.mkdir(parents=True, exist_ok=True)
        home.symlink_to(outside)
        return outside

    def remove(self) -> None:
        """Delete everything."""
        for place in (self.system_place, self.var):
            if place.exists():
                shutil.rmtree(place)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """One command at a time; StartError when another one is at work."""
        self.var.mkdir(parents=True, exist_ok=True)
        with (self.var / "lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StartError(f"another command is at work on {self.var}") from None
            yield


@dataclass(frozen=True)
class GivenBroker:
    """A broker that exists already."""

    amqp_url: str  # with the virtual host to use
    management_url: str  # of the management API, with an administrator's credentials


@dataclass(frozen=True)
class Given:
    """What the environment of `make up` says of servers: which exist already, and how large a private one is
    to be.
    """

    database_urls: Mapping[str, str]  # by service; private ones for those not named
    broker: GivenBroker | None  # a private one if None
    shared_buffers: str = SHARED_BUFFERS  # of a private PostgreSQL, in its own words

    @property
    def needs_postgres(self) -> bool:
        """True when at least one service needs a private database."""
        return len(self.database_urls) < len(SERVICES)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Given":
        """`DATABASE_URL_<SERVICE>`, `AMQP_URL` with `AMQP_MANAGEMENT_URL`, `POSTGRES_SHARED_BUFFERS`. Raises
        StartError.
        """
        databases = {}
        for service in SERVICES:
            url = environment.get(f"DATABASE_URL_{service.upper()}")
            if url:
                databases[service] = _with_driver(url)
        buffers = environment.get("POSTGRES_SHARED_BUFFERS", SHARED_BUFFERS)
        if not re.fullmatch(r"[1-9]\d*(MB|GB)", buffers):
            raise StartError(f"POSTGRES_SHARED_BUFFERS is {buffers!r}, not a size like 512MB or 4GB")
        amqp, management = environment.get("AMQP_URL"), environment.get("AMQP_MANAGEMENT_URL")
        if amqp and management:
            return cls(databases, GivenBroker(amqp, management), buffers)
        if amqp or management:
            raise StartError(
                "AMQP_URL and AMQP_MANAGEMENT_URL belong together: users, rights and policies are applied "
                "through the management API, e.g. http://admin:password@broker:15672"
            )
        return cls(databases, None, buffers)


def _with_driver(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"postgresql+psycopg://{rest}" if scheme in ("postgres", "postgresql") else url


def _can_enter(user: str, directory: Path) -> bool:
    command = ["test", "-x", str(directory)]
    return subprocess.run(command, user=user, group=user, extra_groups=[], check=False).returncode == 0
