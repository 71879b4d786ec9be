"""No delivery stays pending to an endpoint that was deleted or disabled, whoever commits when."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from services.chassis.messaging.received import Received
from services.chassis.statements import Statement
from services.notifications.application.feed_events import feed_events
from services.notifications.application.purge import purge
from services.notifications.application.see_deliveries import SeeDeliveries
from services.notifications.domain.errors import EndpointDisabled
from services.notifications.domain.webhook import Answer
from services.notifications.persistence import deliveries, endpoints, feed, leases
from tests.notifications.support.delivering import Webhooks, client_of
from tests.notifications.support.world import OTHER_PROVIDER, Someone, World, booking, public_event
from tests.support.polling import eventually

MARIA = Someone("Maria", None)
URL = "http://127.0.0.1:18080/"


@pytest.fixture
def hooks(world: World) -> Webhooks:
    world.knows(MARIA)
    return Webhooks(world)


@pytest.fixture
def beside() -> Iterator[ThreadPoolExecutor]:
    """Somebody else, at the same time."""
    with ThreadPoolExecutor(1) as executor:
        yield executor


@pytest.fixture
def unlocked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the guard: looking at endpoints does not keep them as they are."""
    append = feed._append_statement()
    append = append.with_only_columns(*append.selected_columns)
    monkeypatch.setattr(append, "_for_update_arg", None)
    monkeypatch.setattr(feed, "_APPEND", Statement(append))


def fed(world: World, event: Received) -> None:
    with world.database.transaction() as connection:
        feed_events(connection, [event])


def states(world: World) -> list[str]:
    return [row.state for row in world.rows("SELECT state FROM webhook_delivery ORDER BY id")]


def ended_or_waiting(world: World, other: Future[Any]) -> None:
    """Returns once the other is through, or waits for a lock that somebody holds."""
    waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    eventually(lambda: other.done() or world.rows(waiting), timeout_seconds=20)


def deleted_while_an_event_is_being_queued(hooks: Webhooks, beside: ThreadPoolExecutor) -> list[str]:
    """The event's transaction began first and ends last, or is waited for."""
    endpoint = hooks.register(URL)
    with hooks.world.database.transaction() as connection:
        feed_events(connection, [public_event(booking(MARIA).to_json())])
        deleting = beside.submit(hooks.endpoints.delete, client_of(), endpoint.id)
        ended_or_waiting(hooks.world, deleting)
    deleting.result(20)
    return states(hooks.world)


def queued_while_the_endpoint_is_being_disabled(hooks: Webhooks, beside: ThreadPoolExecutor) -> list[str]:
    """The reverse: the disabling began first."""
    endpoint = hooks.register(URL)
    with hooks.world.database.transaction() as connection:
        disable(connection, endpoint.id)
        queueing = beside.submit(fed, hooks.world, public_event(booking(MARIA).to_json()))
        ended_or_waiting(hooks.world, queueing)
    queueing.result(20)
    return states(hooks.world)


def disable(connection: sa.Connection, endpoint_id: UUID) -> None:
    assert endpoints.disable_endpoint(connection, endpoint_id, "gone")
    deliveries.give_up_all(connection, endpoint_id)


@pytest.mark.usefixtures("unlocked")
@pytest.mark.parametrize(
    "race", [deleted_while_an_event_is_being_queued, queued_while_the_endpoint_is_being_disabled]
)
def test_without_the_guard_a_delivery_stays_pending(
    hooks: Webhooks, beside: ThreadPoolExecutor, race: Callable[..., list[str]]
) -> None:
    """If this fails, the next two tests prove nothing."""
    assert race(hooks, beside) == ["pending"]


def test_deleting_waits_for_what_is_being_queued_and_gives_it_up(
    hooks: Webhooks, beside: ThreadPoolExecutor
) -> None:
    assert deleted_while_an_event_is_being_queued(hooks, beside) == ["failed"]


def test_queueing_waits_for_a_disabling_and_queues_nothing(
    hooks: Webhooks, beside: ThreadPoolExecutor
) -> None:
    assert queued_while_the_endpoint_is_being_disabled(hooks, beside) == []
    assert hooks.world.scalar("SELECT count(*) FROM feed_event") == 1


def test_a_success_is_recorded_at_the_endpoint_before_its_delivery(
    hooks: Webhooks, beside: ThreadPoolExecutor
) -> None:
    """As everybody does. Else whoever disables the endpoint meanwhile and this would wait for each other."""
    endpoint = hooks.register(URL)
    fed(hooks.world, public_event(booking(MARIA).to_json()))
    (claimed,) = hooks.deliverer.claim(1)
    hooks.world.change("UPDATE webhook_endpoint SET failing_since = now()")

    def record() -> None:
        with hooks.world.database.statement() as place:
            leases.delivered(place, claimed, Answer(200, hooks.clock.now(), 1), hooks.clock.now())

    with hooks.world.database.transaction() as connection:
        assert endpoints.disable_endpoint(connection, endpoint.id, "gone")
        recording = beside.submit(record)
        ended_or_waiting(hooks.world, recording)
        assert not recording.done()
        deliveries.give_up_all(connection, endpoint.id)
    recording.result(20)
    assert states(hooks.world) == ["failed"]
    assert hooks.world.scalar("SELECT failing_since FROM webhook_endpoint") is None
    assert hooks.world.scalar("SELECT status FROM webhook_attempt") == 200


def test_sending_again_while_the_endpoint_is_being_disabled_is_refused(
    hooks: Webhooks, beside: ThreadPoolExecutor
) -> None:
    endpoint = hooks.register(URL)
    fed(hooks.world, public_event(booking(MARIA).to_json()))
    delivery = hooks.world.scalar("SELECT id FROM webhook_delivery")
    with hooks.world.database.transaction() as connection:
        disable(connection, endpoint.id)
        again = beside.submit(SeeDeliveries(hooks.world.database).redeliver, client_of(), delivery)
        ended_or_waiting(hooks.world, again)
    with pytest.raises(EndpointDisabled):
        again.result(20)
    assert states(hooks.world) == ["failed"]


@pytest.mark.parametrize("dead", ["disabled", "deleted"])
def test_what_stranded_all_the_same_is_given_up_and_does_not_keep_the_feed(
    hooks: Webhooks, dead: str
) -> None:
    world = hooks.world
    stranded, waiting = hooks.register(URL), hooks.register(URL, provider=OTHER_PROVIDER)
    fed(world, public_event(booking(MARIA).to_json()))
    world.told(booking(MARIA, provider=OTHER_PROVIDER))
    world.change("UPDATE webhook_endpoint SET state = :dead WHERE id = :id", dead=dead, id=stranded.id)
    purge(world.database, hooks.clock, world.settings)
    found = world.rows("SELECT endpoint_id, state, finished_at IS NOT NULL FROM webhook_delivery ORDER BY id")
    assert found == [(stranded.id, "failed", True), (waiting.id, "pending", False)]
    hooks.endpoints.delete(client_of(OTHER_PROVIDER), waiting.id)
    hooks.pass_time(timedelta(days=500))
    purge(world.database, hooks.clock, world.settings)
    assert world.rows("SELECT 1 FROM webhook_delivery UNION ALL SELECT 1 FROM feed_event") == []
