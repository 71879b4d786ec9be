"""Infrastructure for every test: real servers, private to the run, started when first asked for."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.support.broker import Broker, Vhost
from tests.support.postgres import Postgres

_TESTS: Final = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Each folder by one process, with servers of its own; containers, which mostly wait, first.

    Before pytest-xdist's own hook, which reads the groups.
    """
    for item in items:
        folder, *further = item.path.relative_to(_TESTS).parts
        item.add_marker(pytest.mark.xdist_group("containers" if "containers" in further else folder))
    items.sort(key=lambda item: "containers" not in item.path.parts)


@pytest.fixture(scope="session")
def server_directory() -> Iterator[Path]:
    """A directory that the servers' unprivileged users can reach (pytest's own is closed to them)."""
    directory = Path(tempfile.mkdtemp(prefix="ambito-tests-"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


@pytest.fixture(scope="session")
def postgres(server_directory: Path) -> Iterator[Postgres]:
    """The run's PostgreSQL. It forgets on a crash; tests that crash a server start their own, durable one."""
    server = Postgres(server_directory / "postgres")
    yield server
    server.stop()


@pytest.fixture
def service_database(postgres: Postgres) -> Iterator[Callable[[str], str]]:
    """`service_database("vouchers")` is the URL of a new, migrated database, dropped after the test."""
    made: list[str] = []

    def make(service: str) -> str:
        made.append(postgres.service_database(service))
        return made[-1]

    yield make
    for url in made:
        postgres.drop_database(url)


@pytest.fixture(scope="session")
def broker(server_directory: Path) -> Iterator[Broker]:
    """The run's RabbitMQ, with management."""
    server = Broker(server_directory / "rabbitmq")
    yield server
    server.close()


@pytest.fixture
def vhost(broker: Broker) -> Iterator[Vhost]:
    """A virtual host of the test's own, deleted after it."""
    made = broker.new_vhost()
    yield made
    broker.delete_vhost(made)
