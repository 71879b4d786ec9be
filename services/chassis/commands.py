"""The commands that every service has."""

from collections.abc import Callable
from typing import Annotated, Final, Literal

import typer

from services.chassis.database import Database
from services.chassis.definition import ServiceDefinition, load
from services.chassis.logs import get_logger
from services.chassis.process import failing, start
from services.chassis.settings import ServiceSettings
from services.chassis.tracing_export import exporting

Process = Callable[[ServiceSettings, Database], None]


_ALONE: Final = frozenset({"grpc", "worker", "relay", "migrate"})
"""Commands that import no more than they need."""


def application(definition: ServiceDefinition, command: str | None) -> typer.Typer:
    """The command line of the service, as far as `command` needs it."""
    app = typer.Typer(
        help=f"Processes and tools of {definition.name}.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    _add_processes(app, definition)
    if command not in _ALONE:
        _add_tools(app, definition)
        if definition.cli is not None:
            app.add_typer(load(definition.cli))
    return app


def _add_processes(app: typer.Typer, definition: ServiceDefinition) -> None:
    @app.command()
    def relay() -> None:
        """Publish the events in the outbox, until stopped."""
        from services.chassis.messaging.relay import run

        _run(definition, "relay", lambda settings, database: run(settings, definition, database))

    if definition.grpc is not None:

        @app.command()
        def grpc() -> None:
            """Answer commands and queries, until stopped."""
            from services.chassis.rpc.server import run

            _run(definition, "grpc", lambda settings, database: run(settings, definition, database))

    if definition.subscriptions is not None or definition.jobs is not None:

        @app.command()
        def worker() -> None:
            """Consume events and run scheduled jobs, until stopped."""
            from services.chassis.worker import run

            _run(definition, "worker", lambda settings, database: run(settings, definition, database))

    @app.command()
    def migrate(
        phase: Annotated[
            Literal["expand", "contract"],
            typer.Option(help="expand: only what the version that still runs can work with."),
        ] = "contract",
    ) -> None:
        """Bring the database up to date."""
        from services.chassis.migrations import Phase
        from services.chassis.migrations import migrate as upgrade

        settings = start(definition, "migrate")
        with failing():
            upgrade(settings.database_url, definition.migrations, Phase(phase))

    for name, path in definition.processes.items():
        _add_process(app, definition, name, path)
    for name, path in definition.lone_processes.items():
        _add_lone_process(app, name, path)


def _add_process(app: typer.Typer, definition: ServiceDefinition, name: str, path: str) -> None:
    @app.command(name, help=f"Run {path}, until stopped.")
    def process() -> None:
        _run(definition, name, load(path))


def _add_lone_process(app: typer.Typer, name: str, path: str) -> None:
    @app.command(name, help=f"Run {path}, until stopped.")
    def process() -> None:
        with failing():
            load(path)()


def _add_tools(app: typer.Typer, definition: ServiceDefinition) -> None:
    @app.command("check-topology")
    def check_topology(
        management_url: Annotated[
            str | None,
            typer.Option(
                envvar="AMQP_MANAGEMENT_URL",
                help="The broker's management API, with credentials; without it, bindings remain unchecked.",
            ),
        ] = None,
    ) -> None:
        """Check that the broker has the exchanges, queues and bindings that this service works with."""
        from services.chassis.messaging.topology_check import wait_and_check

        settings = start(definition, "check-topology")
        with failing():
            wait_and_check(settings, definition)
            if management_url is None:
                typer.echo("Bindings are not checked: AMQP does not show them; give --management-url.")
            else:
                _check_bindings(settings, definition, management_url)

    from services.chassis.messaging.outbox_commands import application as outbox_commands

    app.add_typer(outbox_commands(definition), name="outbox")
    if definition.subscriptions is not None:
        from services.chassis.messaging.dead_letter_commands import application as dead_letter_commands

        app.add_typer(dead_letter_commands(definition), name="dlq")


def _check_bindings(settings: ServiceSettings, definition: ServiceDefinition, management_url: str) -> None:
    import httpx

    from services.chassis.messaging.connection import virtual_host
    from services.chassis.messaging.topology import of_service
    from services.chassis.messaging.topology_apply import check_bindings
    from services.chassis.partition import Partition

    partition = Partition.parse(settings.partition)
    own = of_service(definition.name, definition.consumes, frozenset({partition} if partition else ()))
    with httpx.Client(base_url=management_url, timeout=30, trust_env=False) as management:
        check_bindings(own, management, virtual_host(settings.amqp_url))


def _run(definition: ServiceDefinition, process: str, body: Process) -> None:
    settings = start(definition, process)
    # Who may hold connections at the same time: handlers and jobs; or calls, two checks, and who is notified.
    at_once = {"worker": settings.worker_prefetch + 8, "grpc": settings.grpc_threads + 3}.get(process, 0)
    database = Database.from_settings(settings, f"{definition.name}-{process}", at_least=at_once)
    log = get_logger(__name__)
    log.info("starting")
    with failing(), exporting(definition.name, process):
        try:
            body(settings, database)
        finally:
            database.dispose()
    log.info("stopped")
