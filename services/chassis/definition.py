"""What a service is made of, named but not yet imported."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceDefinition:
    """The parts of one service, as `"package.module:attribute"`.

    Parts are imported only by the process that needs them: a worker never loads grpc, and nothing else loads
    eventlet. The module that holds the definition must therefore import none of them itself.
    """

    name: str
    settings: str
    """A `ServiceSettings` subclass."""
    migrations: str
    """The package of the service's migrations: `services.<name>.persistence.migrations`, with `versions/*.py`
    in it."""
    grpc: str | None = None
    """`build(settings, database) -> Sequence[tuple[add_to_server, servicer]]`"""
    subscriptions: str | None = None
    """`subscriptions(settings, database) -> Sequence[Subscription]`"""
    jobs: str | None = None
    """`jobs(settings, database) -> Sequence[Job]`"""
    consumes: frozenset[str] = frozenset()
    """Every event type the subscriptions handle. The broker's bindings are made from it; a worker whose
    subscriptions differ does not start."""
    cli: str | None = None
    """A `typer.Typer` whose commands stand beside the common ones."""
    processes: Mapping[str, str] = field(default_factory=dict)
    """Further processes: command → `run(settings, database) -> None`."""
    lone_processes: Mapping[str, str] = field(default_factory=dict)
    """Further processes with settings of their own, and without the database: command → `run() -> None`."""


def load(path: str) -> Any:  # noqa: ANN401 - whatever is there
    """The object at `"package.module:attribute"`."""
    module, _, attribute = path.partition(":")
    if not attribute:
        raise ValueError(f"{path!r} is not like package.module:attribute")
    return getattr(import_module(module), attribute)
