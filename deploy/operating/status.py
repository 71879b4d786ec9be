"""`status`: each process, each database, each queue, and how it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final

import typer

from deploy.containers.facts import BrokerFacts, QueueFacts
from deploy.operating.observing import Observation, ServerState, observe
from deploy.operating.processes import Process, not_there
from deploy.operating.terminal import Exit, Terminal, failing, session_of

LATE_SECONDS: Final = 60.0
"""An event, a webhook or an e-mail that has waited for longer is not on its way, it is held up."""

NAMED: Final = {
    "webhook": "a webhook",
    "webhook-apart": "a webhook of a cooperative that is served apart",
    "email": "an e-mail",
}
_AGREEMENTS: Final = {"behind": "behind", "ahead": "ahead of"}


def status(context: typer.Context) -> None:
    """What runs, in which version, and how it is: processes, databases, outboxes, queues, dead letters.

    Ends with 1 if something is not well. What does not answer is said so, and hides nothing else.
    """
    session = session_of(context)
    with failing():
        seen = observe(session.installation(), ("broker",))
    found = troubles(seen)
    _show(session.terminal, seen, found)
    session.terminal.document(document(seen, found))
    if found:
        raise typer.Exit(Exit.FOUND)


def troubles(seen: Observation) -> list[str]:
    """One sentence for each thing that is not well."""
    found = [f"{service} has no container" for service in not_there(seen.processes)]
    found += [f"{each.container}: {each.fault}" for each in seen.processes if each.fault]
    found += [f"{part}: {reason}" for part, reason in seen.unknown.items()]
    for service, state in seen.databases.items():
        if state.agreement != "same":
            found.append(
                f"{service}: the database is {_AGREEMENTS[state.agreement]} the code:"
                f" migration {state.database or 'none'}, the code's is {state.code}"
            )
        if state.oldest_seconds > LATE_SECONDS:
            found.append(
                f"{service}: {state.waiting} events wait in the outbox,"
                f" the oldest for {span(state.oldest_seconds)}"
            )
    found += [
        f"deliver: {NAMED.get(kind, kind)} has been due for {span(seconds)}"
        for kind, seconds in seen.due_seconds.items()
        if seconds > LATE_SECONDS
    ]
    found += _troubles_of_servers(seen.servers)
    return found + (_troubles_of_broker(seen.facts.broker) if seen.facts.broker else [])


def document(seen: Observation, found: list[str]) -> dict[str, Any]:
    """Everything, for programs."""
    broker = seen.facts.broker
    return {
        "well": not found,
        "troubles": found,
        "processes": [asdict(each) | {"fault": each.fault} for each in seen.processes],
        "databases": {service: asdict(state) for service, state in seen.databases.items()},
        "relays": seen.leading,
        "servers": {name: asdict(state) for name, state in seen.servers.items()},
        "due_seconds": seen.due_seconds,
        "broker": broker and broker.model_dump(mode="json"),
        "unknown": seen.unknown,
    }


def span(seconds: float) -> str:
    """A length of time for people: `3 s`, `4 min`, `5 h`, `6 d`."""
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _troubles_of_servers(servers: Mapping[str, ServerState]) -> list[str]:
    found = [
        f"{name} acknowledges what no other server has: `python -m deploy replica`"
        for name, state in servers.items()
        if state.alone
    ]
    primaries = [name for name, state in servers.items() if state.role == "primary"]
    if servers and not primaries:
        found.append("no PostgreSQL server takes writes: `python -m deploy failover`")
    if len(primaries) > 1:
        found.append(
            f"{' and '.join(primaries)} take writes, each for itself: stop the older primary at once"
        )
    return found


def _troubles_of_broker(broker: BrokerFacts) -> list[str]:
    found = [f"RabbitMQ: {alarm}" for alarm in broker.alarms]
    found += [f"the queue {name} is missing" for name in broker.missing_queues]
    found += [f"missing {binding}" for binding in broker.missing_bindings]
    for queue in broker.queues:
        if queue.name in broker.consumed and not queue.consumers:
            found.append(f"nobody reads the queue {queue.name}, in which {queue.ready} messages wait")
        if queue.name.endswith(".dead") and queue.ready + queue.unacknowledged:
            found.append(f"{queue.ready + queue.unacknowledged} dead letters in {queue.name}")
    return found


def _show(terminal: Terminal, seen: Observation, found: list[str]) -> None:
    now = datetime.now(UTC)
    terminal.table(
        ("process", "version", "revision", "health", "restarts", "since"),
        [_process_row(each, seen, now) for each in seen.processes if each.fault or not each.runs_once],
        title="Processes",
    )
    terminal.table(
        ("service", "migration", "of", "", "outbox", "oldest"),
        [
            (
                service, state.database or "none", state.code, state.agreement,
                state.waiting, span(state.oldest_seconds),
            )
            for service, state in seen.databases.items()
        ],
        title="Databases",
    )  # fmt: skip
    if seen.facts.broker is not None:
        _show_queues(terminal, seen.facts.broker)
    if seen.due_seconds:
        rows = [(kind, span(seconds)) for kind, seconds in sorted(seen.due_seconds.items())]
        terminal.table(("kind", "longest due for"), rows, title="Deliveries")
    for sentence in found:
        terminal.say(f"[red]✗[/] {terminal.plain(sentence)}")
    if not found:
        terminal.say("[green]✓[/] Everything is well.")


def _process_row(process: Process, seen: Observation, now: datetime) -> tuple[object, ...]:
    leading = seen.leading.get(process.container)
    server = seen.servers.get(process.service)
    role = "" if leading is None else ", publishes" if leading else ", stands by"
    if server is not None and server.role is not None:
        role = f", {server.role}"
    return (
        process.container.removeprefix(f"{seen.project}-"),
        process.version,
        process.revision or "-",
        (process.fault or process.health) + role,
        process.restarts,
        "-" if process.since is None else span((now - process.since).total_seconds()),
    )


def _show_queues(terminal: Terminal, broker: BrokerFacts) -> None:
    queues = {queue.name: queue for queue in broker.queues}
    rows = []
    for name in broker.consumed:
        queue = queues.get(name)
        if queue is not None:
            retrying = _sum(each for each in broker.queues if each.name.startswith(f"{name}.retry."))
            dead = _sum(each for each in broker.queues if each.name == f"{name}.dead")
            rows.append((name, queue.ready, queue.unacknowledged, queue.consumers, retrying, dead))
    terminal.table(
        ("queue", "ready", "unacknowledged", "consumers", "to be tried again", "dead letters"),
        rows,
        title="Queues",
    )
    rows_of_cooperatives = [
        (each.subscriber, each.ready, each.unacknowledged, each.consumers)
        for each in broker.queues
        if each.subscriber
    ]
    terminal.table(
        ("cooperative", "ready", "unacknowledged", "consumers"),
        rows_of_cooperatives,
        title="Cooperatives' queues",
    )


def _sum(queues: Iterable[QueueFacts]) -> int:
    return sum(each.ready + each.unacknowledged for each in queues)
