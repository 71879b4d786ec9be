"""PostgreSQL, RabbitMQ, and what is on its way between them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from deploy.operating.doctor.circumstances import Circumstances
from deploy.operating.doctor.findings import COMPOSE, UP, Finding, Weight, check
from deploy.operating.status import LATE_SECONDS, NAMED, span

_RUN_SERVERS: Final = f"{COMPOSE} … run --rm servers"
_FULL: Final = 0.5
_BUSY: Final = 0.8
_NO_DNS: Final = "failure in name resolution"


@check
def everything_answers(given: Circumstances) -> Iterator[Finding]:
    """What could not be asked may be well or not."""
    unresolved = [part for part, reason in given.seen.unknown.items() if _NO_DNS in reason]
    if unresolved:
        yield Finding(
            f"containers do not find each other by name: {', '.join(unresolved)}",
            "Docker Engine's own DNS does not answer in their networks; nothing new can connect there",
            f"look whether the machine is overloaded; then make the networks anew: {COMPOSE} … down and {UP}"
            " (data stay), or restart Docker Engine",
        )
    for part, reason in given.seen.unknown.items():
        if part in unresolved:
            continue
        yield Finding(
            f"nothing is known about {part}: {reason}",
            "what is wrong there cannot be seen",
            "put right what else was found, and what the reason says; then once more: python -m deploy"
            " doctor",
        )


@check
def databases_are_migrated(given: Circumstances) -> Iterator[Finding]:
    """By the version that runs, or by one next to it."""
    for service, state in given.seen.databases.items():
        told = (
            f"{service}: the database has migration {state.database or 'none'}, the code that runs"
            f" {state.code}"
        )
        if state.agreement == "behind":
            yield Finding(
                told,
                "the code asks for what is not there",
                f"{COMPOSE} … run --rm {service}-prepare; or python -m deploy upgrade",
            )
        elif state.agreement == "ahead":
            yield Finding(
                told,
                "a newer version has migrated it: an upgrade ended half-way, or an old image was brought up",
                "finish the upgrade: python -m deploy upgrade; never go back further than one version",
                Weight.ADVICE,
            )


@check
def broker_has_what_it_must(given: Circumstances) -> Iterator[Finding]:
    """Exchanges stay, but queues and bindings get lost by hand, or by a new volume."""
    if given.facts.broker is None:
        return
    missing = [f"queue {name}" for name in given.facts.broker.missing_queues]
    for each in missing + given.facts.broker.missing_bindings:
        yield Finding(
            f"RabbitMQ lacks {each}",
            "events do not reach whom they are for, although they are confirmed",
            f"{_RUN_SERVERS}; then, for what was missed, python -m services.<name> outbox again --since …"
            " inside the"
            " sender's container",
        )


@check
def broker_has_nothing_else(given: Circumstances) -> Iterator[Finding]:
    """Queues of a cooperative that left, or of somebody's experiment."""
    if given.facts.broker is None:
        return
    queues = {queue.name: queue for queue in given.facts.broker.queues}
    for name in given.facts.broker.unknown_queues:
        if not queues[name].consumers:
            yield Finding(
                f"the queue {name} belongs to nobody whom the territory's folder names, and nobody reads it;"
                f" {queues[name].ready} messages are in it",
                "it goes on to fill if it is bound, and holds what somebody may still want",
                f"{COMPOSE} … exec rabbitmq rabbitmqctl delete_queue {name} --vhost ambito, when you are"
                " sure",
                Weight.ADVICE,
            )


@check
def queues_are_read(given: Circumstances) -> Iterator[Finding]:
    """Those of the services, always; those of cooperatives, before they forget."""
    for queue in given.facts.broker.queues if given.facts.broker else ():
        if given.facts.broker and queue.name in given.facts.broker.consumed and not queue.consumers:
            service = queue.name.partition(".")[0]
            yield Finding(
                f"nobody reads the queue {queue.name}; {queue.ready} messages wait in it",
                f"{service} does not hear of anything that happens",
                f"{COMPOSE} … logs --tail 50 {service}-worker says why; {COMPOSE} … restart {service}-worker",
            )
        limit = given.facts.broker.limits.get(queue.name) if given.facts.broker else None
        if limit and queue.ready >= limit * _FULL:
            yield Finding(
                f"{queue.ready} messages of at most {limit} wait for the cooperative {queue.subscriber}",
                "beyond that its queue forgets the oldest; they stay in its feed",
                "tell the cooperative that its system does not read; the feed has everything: GET"
                " /api/v1/events",
            )


@check
def nothing_is_dead(given: Circumstances) -> Iterator[Finding]:
    """Messages that a service could not handle."""
    for queue in given.facts.broker.queues if given.facts.broker else ():
        count = queue.ready + queue.unacknowledged
        if queue.name.endswith(".dead") and count:
            service = queue.name.partition(".")[0]
            yield Finding(
                f"{count} dead letters of {service}",
                "each is an event that has had no effect there",
                f"python -m deploy dlq list {service} says why; when it is put right, python -m deploy"
                " dlq redrive"
                f" {service} --all",
            )


@check
def events_leave_the_outbox(given: Circumstances) -> Iterator[Finding]:
    """Within a second, as long as relay and broker work."""
    for service, state in given.seen.databases.items():
        if state.oldest_seconds > LATE_SECONDS:
            yield Finding(
                f"{state.waiting} events of {service} are not published; the oldest waits for"
                f" {span(state.oldest_seconds)}",
                "others hear late of what happened; nothing is lost",
                f"{COMPOSE} … logs --tail 50 {service}-relay says why: the broker is away, or lacks a binding"
                " (python -m deploy check-topology)",
            )


@check
def deliveries_are_made(given: Circumstances) -> Iterator[Finding]:
    """What is due is attempted at once, even if it fails then."""
    for kind, seconds in given.seen.due_seconds.items():
        if seconds > LATE_SECONDS:
            yield Finding(
                f"{NAMED.get(kind, kind)} has been due for {span(seconds)}",
                "there are more of them than are sent, or their sender stands still",
                f"{COMPOSE} … logs --tail 50 notifications-deliver; more of them: {UP} --scale"
                " notifications-deliver=2",
            )


@check
def broker_is_not_alarmed(given: Circumstances) -> Iterator[Finding]:
    """An alarm stops everybody who publishes."""
    for alarm in given.facts.broker.alarms if given.facts.broker else ():
        yield Finding(
            f"RabbitMQ: {alarm}",
            "it takes no message until that is over; events wait in the outboxes",
            "free disk space, or raise the limits in deploy/broker/rabbitmq.conf with the container's memory;"
            f" then {COMPOSE} … restart rabbitmq",
        )


@check
def database_has_connections_left(given: Circumstances) -> Iterator[Finding]:
    """Every replica takes some."""
    found = given.facts.databases
    if found and found.connections > found.maximum_connections * _BUSY:
        yield Finding(
            f"{found.connections} of {found.maximum_connections} connections to PostgreSQL are in use",
            "the next replica, or `python -m deploy`, gets none",
            "raise max_connections in deploy/compose.yaml, or run fewer replicas",
        )
