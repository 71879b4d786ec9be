"""An installation that has lost everything is again what it was when it was backed up, and goes on."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from deploy.demo import cast
from deploy.local.servers import VHOST
from tests.deploy.containers.books import books_of, rows
from tests.support.containers import rabbitmqctl
from tests.support.polling import eventually
from tests.support.stack import PROCESSES, ROOT, Stack

COMUNE = "L733"
FOREIGN_USER = "not-of-the-territory"
FAR_BEHIND = "notifications-worker"
"""Stands still during the backup: what it has yet to hear has been published, and waits on the broker."""
PERSONS, RECIPIENTS = "SELECT id FROM person", "SELECT person_id FROM recipient"
LATER_IN_THE_FEED = "SELECT event_id FROM feed_event WHERE xid > '{}'"


@dataclass(frozen=True)
class Taken:
    """A backup, and what was known when it was made."""

    directory: Path
    books: dict[str, list[str]]
    before: set[str]
    """Citizens who had been told that they were registered before it began."""
    after: set[str]
    """… and after it had ended."""
    last_feed_entry: int


@pytest.fixture(scope="module")
def used(stack: Stack) -> Stack:
    """An installation that has been worked with."""
    assert "All 16 steps as expected" in stack.compose("run", "--rm", "demo")
    rabbitmqctl(stack.container("rabbitmq"), "add_user", FOREIGN_USER, "not-a-secret")
    return stack


@pytest.fixture(scope="module")
def taken(used: Stack) -> Taken:
    """A backup made while citizens register and one consumer lags; afterwards life goes on for a while."""
    stack = used
    eventually(lambda: waiting(stack, "events") == 0, timeout_seconds=60)
    books = books_of(stack)
    stack.compose("stop", FAR_BEHIND)
    with registering(stack) as citizens:
        eventually(lambda: len(citizens) >= 5, timeout_seconds=30)
        before = set(citizens)
        answer = stack.operate("backup", "--keep", "1")
        meanwhile = len(citizens)
        eventually(lambda: len(citizens) >= meanwhile + 5, timeout_seconds=60)
    eventually(lambda: waiting(stack, "notifications.events") >= len(before))
    stack.compose("up", "--detach", "--wait", "--no-recreate", "--no-deps", FAR_BEHIND)
    assert "All 16 steps as expected" in stack.compose("run", "--rm", "demo")
    assert books_of(stack) != books
    return Taken(Path(answer["directory"]), books, before, set(citizens[meanwhile:]), last_feed_entry(stack))


def test_a_backup_that_is_killed_leaves_none(used: Stack) -> None:
    killed(used, "backup", when=lambda: [*used.backups.glob(".*/base.tar.gz")])
    assert used.operate("backup", "list") == {"backups": []}


def test_a_backup_is_whole_and_the_only_one(stack: Stack, taken: Taken) -> None:
    stack.operate("backup", "verify", str(taken.directory))
    (listed,) = stack.operate("backup", "list")["backups"]
    assert listed["directory"] == str(taken.directory)
    assert {each.name for each in stack.backups.iterdir()} == {".lock", taken.directory.name}
    assert not stack.client.containers.list(all=True, filters={"label": "ambito.copies"})


def test_what_cannot_be_restored_is_refused_before_anything_is_touched(
    stack: Stack, taken: Taken, tmp_path: Path
) -> None:
    before = {each.id: each.attrs["State"]["StartedAt"] for each in stack.containers()}
    damaged = shutil.copytree(taken.directory, tmp_path / "damaged")
    with (damaged / "base.tar.gz").open("r+b") as file:
        file.seek(4_000_000)
        byte = file.read(1)
        file.seek(4_000_000)
        file.write(bytes([byte[0] ^ 1]))
    for command in (("backup", "verify", str(damaged)), ("restore", str(damaged), "--yes")):
        assert "base.tar.gz: its content is not what was written" in refused(stack, *command)
    sealed = shutil.copytree(taken.directory, tmp_path / "sealed")
    manifest = json.loads((sealed / "manifest.json").read_text())
    manifest["keys"]["event-data-keys"]["k1"] = "0" * 32
    (sealed / "manifest.json").write_text(json.dumps(manifest))
    assert "event-data-keys: key k1 is another one" in refused(stack, "restore", str(sealed), "--yes")
    manifest["postgres"] |= {"version": "16.4", "major": 16}
    (sealed / "manifest.json").write_text(json.dumps(manifest))
    assert "the backup is of PostgreSQL 16.4" in refused(stack, "restore", str(sealed), "--yes")
    assert "nothing was changed" in refused(stack, "restore", str(taken.directory))
    assert {each.id: each.attrs["State"]["StartedAt"] for each in stack.containers()} == before


def test_what_was_lost_is_again_as_it_was_backed_up_and_goes_on(stack: Stack, taken: Taken) -> None:
    lose_everything(stack)
    restore = ("restore", str(taken.directory), "--yes", "--discard")
    killed(
        stack,
        *restore,
        when=lambda: stack.container("catalogue-grpc").attrs["State"]["Status"] == "exited",
    )
    answer = stack.operate(*restore)
    assert answer["disagreements"] == []
    stack.wait_healthy(*PROCESSES)

    # Not a row more or less: what had happened by then, and nothing of what came after.
    assert books_of(stack) == taken.books
    citizens = set(rows(stack, "identity", "SELECT id FROM person"))
    assert taken.before <= citizens
    assert not taken.after & citizens

    # What had been published and had not reached everybody takes effect; what had is no news.
    for service, copies in (("notifications", RECIPIENTS), ("catalogue", PERSONS), ("vouchers", PERSONS)):
        eventually(lambda *asked: set(rows(stack, *asked)) == citizens, service, copies, timeout_seconds=60)
    eventually(lambda: waiting(stack, "events") == 0, timeout_seconds=60)
    assert books_of(stack) == taken.books
    assert waiting(stack, "coop.") >= 3, "cooperatives hear again what they may not have read"
    assert FOREIGN_USER in rabbitmqctl(stack.container("rabbitmq"), "list_users")

    assert "All 16 steps as expected" in stack.compose("run", "--rm", "demo")
    later = rows(stack, "notifications", LATER_IN_THE_FEED.format(taken.last_feed_entry))
    assert len(later) >= 3, "who had read the feed further than the backup misses nothing of what comes now"
    rabbitmqctl(stack.container("rabbitmq"), "delete_user", FOREIGN_USER)


def start(stack: Stack, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "deploy", "--json", *arguments], cwd=ROOT, env=stack._environment,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def refused(stack: Stack, *arguments: str) -> str:
    """Why a command is not carried out."""
    with start(stack, *arguments) as process:
        out, errors = process.communicate(timeout=300)
    assert (process.returncode, out) == (3, "")
    return errors


def killed(stack: Stack, *arguments: str, when: Callable[[], object]) -> None:
    """A command gets no chance to put anything in order."""
    with start(stack, *arguments) as process:
        try:
            eventually(when, timeout_seconds=120)
            assert process.poll() is None
        finally:
            process.kill()
            process.communicate(timeout=30)


@contextmanager
def registering(stack: Stack) -> Iterator[list[str]]:
    """Citizens who register all the time; those who were told that they are registered."""
    acknowledged: list[str] = []
    over = threading.Event()

    def register() -> None:
        with httpx.Client(base_url=stack.api, timeout=20) as client:
            while not over.wait(0.05):
                who = cast.daughter(COMUNE)
                request = {"details": who.details, "username": who.username, "password": who.password}
                answer = client.post("/people", json=request, headers={"Idempotency-Key": str(uuid.uuid4())})
                if answer.status_code == 201:
                    acknowledged.append(answer.json()["id"])

    thread = threading.Thread(target=register)
    thread.start()
    try:
        yield acknowledged
    finally:
        over.set()
        thread.join()


def lose_everything(stack: Stack) -> None:
    """The databases' files go while they are in use, and with the broker's virtual host all it holds."""
    (volume,) = {
        mount["Name"] for mount in stack.container("postgres").attrs["Mounts"] if mount["Type"] == "volume"
    }
    stack.client.containers.run(
        stack.image("operations"),
        entrypoint=["sh", "-c", "rm -rf /data/* && ls -A /data"],
        user="0:0",
        volumes=[f"{volume}:/data"],
        network_mode="none",
        remove=True,
    )
    rabbitmqctl(stack.container("rabbitmq"), "delete_vhost", VHOST)
    rabbitmqctl(stack.container("rabbitmq"), "delete_user", FOREIGN_USER)


def last_feed_entry(stack: Stack) -> int:
    """The transaction id by which the feed is ordered, of its last entry."""
    return int(rows(stack, "notifications", "SELECT max(xid::text::numeric) FROM feed_event")[0])


def waiting(stack: Stack, queues: str) -> int:
    """Messages in all queues with this in their names, but for those of nobody and of dead letters."""
    asked = ("list_queues", "--vhost", VHOST, "--formatter", "json", "name", "messages")
    listed = rabbitmqctl(stack.container("rabbitmq"), *asked)
    return sum(
        int(each["messages"])
        for each in json.loads(listed)
        if queues in each["name"] and not each["name"].endswith(".dead")
    )
