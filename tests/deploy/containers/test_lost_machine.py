"""A machine is lost: with a backup and the secrets, another one is what it was."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from docker import DockerClient

from tests.deploy.containers.books import books_of, rows
from tests.support.polling import eventually
from tests.support.stack import PROCESSES, Stack, running

pytestmark = pytest.mark.long

PERSONS = "SELECT id FROM person ORDER BY 1"


class Lost:
    """What is left of an installation that was worked with: a backup, its secrets, what was known of it."""

    def __init__(self, stack: Stack) -> None:
        assert "All 16 steps" in stack.compose("run", "--rm", "demo")
        # Registrations reach the other services a little later.
        eventually(lambda: rows(stack, "vouchers", PERSONS) == rows(stack, "identity", PERSONS))
        self.books, self.persons = books_of(stack), rows(stack, "identity", PERSONS)
        self.backup = Path(stack.operate("backup")["directory"])
        stack.operate("backup", "verify", "--rehearse", str(self.backup))
        self.secrets = stack.secrets


@pytest.fixture(scope="module")
def lost(docker_engine: DockerClient, server_directory: Path) -> Lost:
    with running(docker_engine, server_directory / "lost", name="-lost") as stack:
        return Lost(stack)


@contextmanager
def new_machine(client: DockerClient, directory: Path, lost: Lost, *files: str) -> Iterator[Stack]:
    """Where nothing has run yet: containers are made, not started."""
    stack = Stack(client, directory, files, name="-new")
    subprocess.run(["cp", "-aT", str(lost.secrets), str(stack.secrets)], check=True)
    try:
        stack.compose("create")
        yield stack
    finally:
        stack.down()


def is_as_it_was(stack: Stack, lost: Lost) -> None:
    stack.wait_healthy(*PROCESSES)
    assert books_of(stack) == lost.books
    assert rows(stack, "identity", PERSONS) == lost.persons
    assert stack.operation("reconcile").returncode == 0


def test_another_machine_is_what_the_lost_one_was_and_may_be_restored_again(
    docker_engine: DockerClient, server_directory: Path, lost: Lost
) -> None:
    with new_machine(docker_engine, server_directory / "new", lost) as stack:
        told = stack.operate("restore", "--discard", "--yes", str(lost.backup))
        assert (told["disagreements"], told["saved"]) == ([], None)
        is_as_it_was(stack, lost)
        assert "All 16 steps" in stack.compose("run", "--rm", "demo")
        later = books_of(stack)["bookings"]
        told = stack.operate("restore", "--yes", str(lost.backup))
        is_as_it_was(stack, lost)
        told = stack.operate("restore", "--discard", "--yes", told["saved"])
        assert told["disagreements"] == []
        assert books_of(stack)["bookings"] == later


def test_another_machine_may_have_more_servers(
    docker_engine: DockerClient, server_directory: Path, lost: Lost
) -> None:
    files = ["deploy/compose.cluster.yaml"]
    with new_machine(docker_engine, server_directory / "new-cluster", lost, *files) as stack:
        told = stack.operate("restore", "--discard", "--yes", str(lost.backup))
        assert told["disagreements"] == []
        is_as_it_was(stack, lost)
        assert stack.operate("replica")["synchronous"]
        assert "All 16 steps" in stack.compose("run", "--rm", "demo")
