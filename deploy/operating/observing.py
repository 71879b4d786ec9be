"""What can be seen of an installation now, part by part: what does not answer hides nothing else."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Final, TypeVar

from docker.models.containers import Container
from prometheus_client.samples import Sample

from deploy.broker.topology import SERVICES
from deploy.containers.facts import Facts
from deploy.containers.secrets import POSTGRES_CLUSTER
from deploy.operating.databases import Server
from deploy.operating.installation import Installation, OperationError, service_of
from deploy.operating.operations_port import metrics_of, status_of
from deploy.operating.processes import Process, process_of
from deploy.operating.service_commands import process_for
from deploy.operating.tools import answer_of_tool

_TELLING: Final = ("relay", "worker", "grpc")
"""Who tells of its database: first whom no user waits for."""
_TOOL_SECONDS: Final = 45.0
_AT_ONCE: Final = 8

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class DatabaseState:
    """A service's database: its newest migration and the code's (`agreement`: same, behind, ahead), and what
    waits in its outbox.
    """

    database: str | None
    code: str
    agreement: str
    waiting: int
    oldest_seconds: float


@dataclass(frozen=True, slots=True)
class ServerState:
    """One of two PostgreSQL servers. `role`: primary, standby, or None if it does not answer; `alone`: it is
    the primary, and acknowledges what nobody else has.
    """

    role: str | None
    alone: bool


@dataclass(frozen=True, slots=True)
class Observation:
    """Everything that could be seen. `unknown`: part → why nothing is known about it."""

    project: str
    processes: list[Process]
    databases: dict[str, DatabaseState] = field(default_factory=dict)
    leading: dict[str, bool] = field(default_factory=dict)
    """Container of a relay → whether it publishes, or stands by."""
    servers: dict[str, ServerState] = field(default_factory=dict)
    """Of PostgreSQL, where there are two."""
    due_seconds: dict[str, float] = field(default_factory=dict)
    """`webhook`, `email` → for how long the longest due one has been due."""
    facts: Facts = field(default_factory=Facts)
    unknown: dict[str, str] = field(default_factory=dict)


def observe(installation: Installation, parts: Collection[str]) -> Observation:
    """Look at everything at once, for at most a minute; `parts` of what the image `operations` finds out."""
    containers = installation.containers(all_states=True)
    asked = [
        each
        for each in containers
        if each.status == "running" and service_of(each).endswith(("-relay", "-deliver"))
    ]
    postgres = [each for each in containers if service_of(each) in POSTGRES_CLUSTER]
    unknown: dict[str, str] = {}
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:

        def begin(part: str, ask: Callable[[], Found]) -> Callable[[], Found | None]:
            future = pool.submit(ask)

            def answer() -> Found | None:
                try:
                    return future.result()
                except OperationError as error:
                    unknown[part] = str(error)
                    return None

            return answer

        facts = begin("facts", partial(find_out, installation, parts))
        states = {
            service: begin(f"database of {service}", partial(database_state, installation, service))
            for service in SERVICES
        }
        metrics = {
            str(each.name): begin(f"metrics of {each.name}", partial(metrics_of, installation, each))
            for each in asked
        }
        servers = {
            service_of(each): begin(service_of(each), partial(server_state, installation, each))
            for each in postgres
            if len(postgres) > 1
        }
        found = facts() or Facts()
        databases = {service: ask() for service, ask in states.items()}
        samples = {name: ask() for name, ask in metrics.items()}
        roles = {name: ask() for name, ask in servers.items()}
    return Observation(
        project=installation.project,
        processes=[process_of(each) for each in containers],
        databases={service: state for service, state in databases.items() if state is not None},
        leading={name: _is_leading(each) for name, each in samples.items() if each and "-relay" in name},
        servers={name: state for name, state in roles.items() if state is not None},
        due_seconds=_due(each for several in samples.values() for each in several or ()),
        facts=found,
        unknown={**unknown, **found.unknown},
    )


def find_out(installation: Installation, parts: Collection[str]) -> Facts:
    """What the image `operations` can tell. OperationError."""
    answer = answer_of_tool(installation, "facts", *parts, timeout_seconds=_TOOL_SECONDS)
    return Facts.model_validate_json(answer)


def database_state(installation: Installation, service: str) -> DatabaseState:
    """As one of the service's processes sees it, and with that process's code. OperationError."""
    status = status_of(installation, process_for(installation, service, _TELLING))
    outbox = status["outbox"] or {"waiting": 0, "oldest_seconds": 0.0}
    return DatabaseState(**status["migrations"], **outbox)


def server_state(installation: Installation, container: Container) -> ServerState:
    """What a PostgreSQL server is to the other one. OperationError if it answers half of what it is asked."""
    server = Server(installation, container)
    role = server.role()
    on_both = role == "primary" and bool(server.acknowledges_on_both()) and server.is_followed()
    return ServerState(role, alone=role == "primary" and not on_both)


def _is_leading(samples: Iterable[Sample]) -> bool:
    return any(each.name == "relay_active" and each.value == 1 for each in samples)


def _due(samples: Iterable[Sample]) -> dict[str, float]:
    due: dict[str, float] = {}
    for each in samples:
        if each.name == "deliver_oldest_due_seconds":
            kind = each.labels["kind"]
            due[kind] = max(due.get(kind, 0.0), each.value)
    return due
