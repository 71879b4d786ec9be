"""Events refuse what no subscriber could match."""

from dataclasses import replace
from datetime import datetime

import pytest

from services.chassis.messaging.event import EventType
from tests.chassis.probe.events import event


def test_a_type_has_a_service_and_the_beginning_of_its_routing_keys() -> None:
    assert EventType.parse("ambito.some-service.big-thing.was-done.v12") == EventType(
        "some-service", "big-thing.was-done"
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "thing.done.v1",
        "ambito.probe.thing.done",
        "ambito.probe.thing.v1",
        "ambito.Probe.thing.done.v1",
        "ambito.probe.thing.done.v0",
        "ambito.probe.thing.done.v1 ",
    ],
)
def test_what_is_no_type_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not like"):
        EventType.parse(text)


@pytest.mark.parametrize(
    "key", ["thing.done", "thing.done.a", "thing.undone.a.b", "thing.done.a.b.c", "thing.done..b"]
)
def test_a_routing_key_that_does_not_fit_the_type_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="routing key"):
        replace(event(), routing_key=key)


def test_an_event_happens_at_an_aware_instant() -> None:
    with pytest.raises(ValueError, match="aware"):
        replace(event(), occurred_at=datetime(2026, 1, 1))  # noqa: DTZ001 - the point
