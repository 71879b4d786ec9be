"""Containers that stand still: there, and without an answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from docker.errors import APIError
from docker.models.containers import Container

from tests.support.polling import eventually


def freeze(container: Container) -> None:
    """Until `unpause`. On a busy machine the kernel may not manage in time: then it is asked again."""

    def froze() -> bool:
        try:
            container.pause()
        except APIError as error:
            raise AssertionError(error.explanation) from error
        return True

    eventually(froze)


@contextmanager
def frozen(container: Container) -> Iterator[None]:
    """While the block lasts."""
    freeze(container)
    try:
        yield
    finally:
        container.unpause()
