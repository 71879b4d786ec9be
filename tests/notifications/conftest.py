"""Fixtures for the tests of notifications."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.notifications.support.mail_sink import MailSink, mail_sink
from tests.notifications.support.receiver import Receivers, receivers
from tests.notifications.support.world import World


@pytest.fixture
def make_world(service_database: Callable[[str], str], tmp_path: Path) -> Iterator[Callable[..., World]]:
    """`make_world(webhook_timeout_seconds=0.3)` is notifications with these settings."""
    made: list[World] = []

    def make(**settings: Any) -> World:
        made.append(World(service_database("notifications"), tmp_path, **settings))
        return made[-1]

    yield make
    for world in made:
        world.database.dispose()


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """notifications, having heard of nothing yet."""
    return make_world()


@pytest.fixture
def sink() -> Iterator[MailSink]:
    """A mail server."""
    with mail_sink() as started:
        yield started


@pytest.fixture
def receiver() -> Iterator[Receivers]:
    """`receiver(Reply(500), Reply())` is a receiver that fails once."""
    with receivers() as make:
        yield make
