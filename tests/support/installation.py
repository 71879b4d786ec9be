"""The whole system, running for the length of a test session in a directory of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.local.instance import Instance


@contextmanager
def installed(directory: Path) -> Iterator[Instance]:
    """An installation that is up and healthy; ended and deleted afterwards."""
    instance = Instance(directory, quiet=True, environment={})
    try:
        instance.up()
        yield instance
    finally:
        instance.clean()
