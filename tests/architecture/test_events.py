"""Who emits and who consumes which events."""

import pytest

from services.chassis.definition import ServiceDefinition, load
from services.contracts.asyncapi import all_events
from tests.architecture.project import service_names

EVENTS = all_events()


def definitions() -> dict[str, ServiceDefinition]:
    return {name: load(f"services.{name}.bootstrap:SERVICE") for name in service_names()}


@pytest.mark.parametrize("service", service_names())
def test_a_service_consumes_only_events_that_exist(service: str) -> None:
    assert definitions()[service].consumes <= EVENTS.keys()


@pytest.mark.parametrize("event_type", sorted(EVENTS))
def test_an_event_has_a_subscriber(event_type: str) -> None:
    consumers = [name for name, definition in definitions().items() if event_type in definition.consumes]
    assert consumers or EVENTS[event_type].public, f"nobody hears of {event_type}"
