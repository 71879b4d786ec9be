"""A queue that was not bound for a while has missed events: they are published again."""

from datetime import UTC, datetime

from tests.chassis.integration.conftest import NAMES, OUTSIDE, Probe
from tests.chassis.probe.events import event
from tests.support.polling import eventually


def ids(messages: list[object]) -> list[str]:
    return [message.properties["message_id"] for message in messages]  # type: ignore[attr-defined]


def test_events_since_an_instant_are_published_again_and_those_before_are_not(probe: Probe) -> None:
    early, missed = event(subject="early"), event(subject="missed")
    probe.start_relay()
    probe.commit(early)
    eventually(lambda: probe.unpublished() == 0)
    since = datetime.now(UTC)
    probe.commit(missed)
    eventually(lambda: probe.unpublished() == 0)
    assert sorted(ids(probe.take(NAMES.queue))) == sorted([str(early.id), str(missed.id)])

    done = probe.command("outbox", "again", "--since", since.isoformat())
    assert done.stdout.endswith("1 events will be published again\n"), done.stderr

    eventually(lambda: probe.depth(NAMES.queue) == 1 and probe.unpublished() == 0)
    assert ids(probe.take(NAMES.queue)) == [str(missed.id)]
    assert ids(probe.take(OUTSIDE.name, probe.url_of(OUTSIDE.user))).count(str(missed.id)) == 2


def test_what_is_no_instant_is_refused(probe: Probe) -> None:
    done = probe.command("outbox", "again", "--since", "yesterday")
    assert done.returncode == 1
    assert "not an instant" in done.stderr
