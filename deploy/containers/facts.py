"""What the image `operations` finds out about an installation, and how it is told: without any secret."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from pydantic import BaseModel, ConfigDict

PARTS: Final = ("secrets", "broker", "databases", "logins", "territory", "disk")
"""What may be asked for alone."""


class _Shape(BaseModel):
    model_config = ConfigDict(frozen=True)


class CertificateFacts(_Shape):
    """`tls.crt` and `tls.key`; `fault` says why they cannot be used at all."""

    names: list[str] = []
    not_before: datetime | None = None
    not_after: datetime | None = None
    self_signed: bool = False
    fault: str = ""


class SecretFacts(_Shape):
    """The directory of secrets."""

    directory_mode: int
    missing: list[str]
    faults: dict[str, str]
    """File → why what stands in it cannot be used."""
    smtp: str
    """The mail server's address, without user and password."""
    certificate: CertificateFacts | None
    disabled: list[str]


class QueueFacts(_Shape):
    """`ready` wait, `unacknowledged` are being handled; `subscriber` is the cooperative whose queue it is."""

    name: str
    ready: int
    unacknowledged: int
    consumers: int
    subscriber: str = ""


class BrokerFacts(_Shape):
    """What the broker holds, beside what it must hold."""

    version: str
    alarms: list[str]
    queues: list[QueueFacts]
    consumed: list[str]
    """Queues that a worker must read."""
    limits: dict[str, int]
    """Queues that forget their oldest messages → how many they keep."""
    missing_queues: list[str]
    missing_bindings: list[str]
    unknown_queues: list[str]


class DatabaseFacts(_Shape):
    """PostgreSQL. `ahead_seconds`: of its clock, compared to that of the container that asked."""

    version: str
    ahead_seconds: float
    connections: int
    maximum_connections: int


class LoginFacts(_Shape):
    """Who can connect to the servers with what stands among the secrets, and who cannot."""

    broker_refuses: dict[str, str]
    """User → the broker's reason; none who is disabled."""
    broker_lets_in: list[str]
    """Users who can connect although they are disabled."""
    database_refuses: dict[str, str]
    """Service → PostgreSQL's reason."""


class TerritoryFacts(_Shape):
    """The territory's folder; `changed_at` is of its newest file."""

    faults: list[str]
    providers: list[str]
    changed_at: datetime | None


class DiskFacts(_Shape):
    """Of the file system on which Docker Engine keeps images, containers and volumes."""

    free_bytes: int
    total_bytes: int


class Facts(_Shape):
    """Everything, as far as it was asked for and could be found out."""

    secrets: SecretFacts | None = None
    broker: BrokerFacts | None = None
    databases: DatabaseFacts | None = None
    logins: LoginFacts | None = None
    territory: TerritoryFacts | None = None
    disk: DiskFacts | None = None
    unknown: dict[str, str] = {}
    """Part → why nothing is known about it."""
