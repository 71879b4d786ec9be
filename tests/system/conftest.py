"""One installation for all system tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.installation import installed
from tests.system.world import World


@pytest.fixture(scope="session")
def world(server_directory: Path) -> Iterator[World]:
    with installed(server_directory / "system") as instance:
        world = World(instance)
        yield world
        world.close()
