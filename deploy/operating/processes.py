"""The containers of an installation as processes: which version, since when, how well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from docker.models.containers import Container

from deploy.broker.topology import SERVICES
from deploy.operating.installation import health_of, service_of

EXPECTED: Final = (
    *(f"{service}-{kind}" for service in SERVICES for kind in ("grpc", "worker", "relay")),
    "notifications-deliver",
    "gateway",
)
"""The application's own processes, each of which runs at least once."""
_VERSION: Final = "org.opencontainers.image.version"
_REVISION: Final = "org.opencontainers.image.revision"
_WELL: Final = frozenset({"healthy", "running"})


@dataclass(frozen=True, slots=True)
class Process:
    """A container. `health`: `healthy`, `unhealthy`, `starting`, or Docker's state where nobody asks."""

    service: str
    container: str
    image: str
    version: str
    revision: str
    state: str
    health: str
    restarts: int
    exit_code: int
    killed_for_memory: bool
    since: datetime | None
    """Of the start, or of the end if it has ended."""
    runs_once: bool
    """It prepares something, and then is over."""

    @property
    def fault(self) -> str:
        """What is wrong with it; empty if nothing is."""
        if self.runs_once:
            return f"ended with status {self.exit_code}" if self.state == "exited" and self.exit_code else ""
        return "" if self.health in _WELL else self.health


def process_of(container: Container) -> Process:
    """What Docker Engine says of it."""
    attrs: dict[str, Any] = container.attrs
    state, config = attrs["State"], attrs["Config"]
    labels = config.get("Labels") or {}
    running = state["Status"] == "running"
    return Process(
        service=service_of(container),
        container=str(container.name),
        image=config["Image"],
        version=labels.get(_VERSION) or config["Image"].rpartition(":")[2],
        revision=labels.get(_REVISION, ""),
        state=state["Status"],
        health=health_of(container) if running else state["Status"],
        restarts=attrs["RestartCount"],
        exit_code=state["ExitCode"],
        killed_for_memory=bool(state.get("OOMKilled")),
        since=instant(state["StartedAt"] if running else state["FinishedAt"]),
        runs_once=attrs["HostConfig"]["RestartPolicy"]["Name"] in {"", "no"},
    )


def not_there(processes: Sequence[Process]) -> list[str]:
    """Processes of the application that have no container at all."""
    return sorted(set(EXPECTED) - {each.service for each in processes})


def instant(text: str) -> datetime | None:
    """An instant as Docker Engine writes it, with nanoseconds; None for its year 1, which means never."""
    if text.startswith("0001"):
        return None
    whole, _, fraction = text.rstrip("Z").partition(".")
    return datetime.fromisoformat(f"{whole}.{fraction[:6]:0<6}").replace(tzinfo=UTC)
