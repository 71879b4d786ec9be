"""Infrastructure for every test: real servers, private to the run, started when first asked for."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests.support.broker import Broker, Vhost
from tests.support.postgres import Postgres


class ByFolder(LoadScopeScheduling):  # type: ignore[misc]  # has no types
    """Each folder by one process, with servers of its own; that of containers apart from its neighbours.

    pytest-xdist's own groups are marks at tests' ids, which pytest no longer lets it make (9.2).
    """

    def _split_scope(self, nodeid: str) -> str:
        folders = Path(nodeid.partition("::")[0]).parent.parts
        return "containers" if "containers" in folders else "/".join(folders[:2])


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFolder:
    return ByFolder(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Containers first: they mostly wait, and longest."""
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
