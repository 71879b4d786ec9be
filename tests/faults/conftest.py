"""An installation of its own for faults: what breaks here disturbs nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.installation import installed
from tests.system.world import World


@pytest.fixture(scope="session")
def breakable(server_directory: Path) -> Iterator[World]:
    with installed(server_directory / "faults") as instance:
        world = World(instance)
        yield world
        world.close()
