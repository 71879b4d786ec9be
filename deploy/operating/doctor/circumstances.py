"""Everything that the checks judge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from deploy.containers.facts import Facts
from deploy.operating.observing import Observation

LOOPBACK: Final = ("127.", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class Port:
    """A port of a container, `inner` like `5672/tcp`, that this machine offers at `ip`."""

    service: str
    inner: str
    ip: str
    number: int

    @property
    def is_open(self) -> bool:
        """Whether others than this machine reach it."""
        return not self.ip.startswith(LOOPBACK)


@dataclass(frozen=True, slots=True)
class Space:
    """Of a file system."""

    free_bytes: int
    total_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """An installation at the instant `now`, and the machine on which it is."""

    now: datetime
    seen: Observation
    engine_version: str
    compose_version: str | None
    """None if there is no Docker Compose on this machine."""
    engine_ahead_seconds: float
    """Of Docker Engine's clock, compared to that of the machine at which the command is given."""
    ports: list[Port] = field(default_factory=list)
    settings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Compose service → its environment."""
    log_limits: Mapping[str, str | None] = field(default_factory=dict)
    """Container → how large its log may become; None: as large as the disk."""
    outdated: list[str] = field(default_factory=list)
    """Containers made from another image than the one that now has the name."""
    loaded_at: datetime | None = None
    """When the territory's folder was loaded last."""
    volumes: Mapping[str, Space] = field(default_factory=dict)
    """Compose service of a server → the file system that its data are on."""
    backups: str = ""
    """The directory of backups."""
    newest_backup: datetime | None = None

    @property
    def facts(self) -> Facts:
        """What the image `operations` has found out."""
        return self.seen.facts

    @property
    def is_open(self) -> bool:
        """Whether others than this machine reach it: it is meant in earnest."""
        return any(port.is_open for port in self.ports)

    @property
    def has_proxy(self) -> bool:
        """Whether the overlay for TLS is in use."""
        return "proxy" in self.settings

    @property
    def portal(self) -> str:
        """PORTAL_URL, as e-mails carry it."""
        return self.setting("notifications-deliver", "PORTAL_URL")

    @property
    def portal_host(self) -> str:
        """The name in it."""
        return urlsplit(self.portal).hostname or ""

    def setting(self, service: str, name: str) -> str:
        """Empty if it is not set."""
        return self.settings.get(service, {}).get(name, "")
