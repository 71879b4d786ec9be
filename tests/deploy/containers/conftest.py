"""One installation in containers for all tests here. They skip only where no Docker Engine answers."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from docker import DockerClient
from docker.errors import DockerException
from requests.exceptions import RequestException

from deploy.broker.topology import SERVICES
from tests.support.stack import Stack, engine, running

# Replicas are found again when a connection ends of age: here soon enough to be waited for.
YOUNG = {"environment": {"GRPC_MAXIMUM_CONNECTION_AGE_SECONDS": "2"}}


LAST = ("test_tls.py", "test_swarm.py")
"""TLS does not put back what it changes in the shared installation. An engine that leaves a swarm forgets the
names of all containers that run on it."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: LAST.index(item.path.name) if item.path.name in LAST else -1)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that fails says how the containers are: afterwards there are none."""
    report = yield
    stacks = [each for each in getattr(item, "funcargs", {}).values() if isinstance(each, Stack)]
    if report.failed:
        report.sections += [(f"containers of {each.project}", _told(each)) for each in stacks]
    return report


def _told(stack: Stack) -> str:
    """An engine that stands still must not hide which test failed, and end all others."""
    try:
        return stack.told()
    except (DockerException, RequestException) as error:
        return f"the engine does not tell: {error}"


@pytest.fixture(scope="session")
def docker_engine() -> Iterator[DockerClient]:
    with engine() as client:
        if client is None:
            pytest.skip("no Docker Engine answers")
        yield client


@pytest.fixture(scope="session")
def stack(docker_engine: DockerClient, server_directory: Path) -> Iterator[Stack]:
    with running(
        docker_engine,
        server_directory / "stack",
        [{"services": {f"{service}-grpc": YOUNG for service in SERVICES}}],
    ) as started:
        yield started
