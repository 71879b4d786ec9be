"""`python -m deploy` on an installation that is well, and on the same one damaged in the usual ways.

The command is given nothing but the project's name: not the environment with which it was brought up.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pika
import pika.exceptions
import pytest

from deploy.broker.topology import SERVICES
from deploy.operating.terminal import Exit
from tests.support.containers import rabbitmqctl
from tests.support.freezing import frozen
from tests.support.polling import eventually
from tests.support.stack import ROOT, Stack

SLUG = "filo-di-lana"
USER = f"coop-{SLUG}"
NOT_WHAT_ITS_TYPE_SAYS = """
INSERT INTO outbox (event_id, source, type, subject, sequence, occurred_at, routing_key, public, data)
VALUES (gen_random_uuid(), 'ambito/identity', 'ambito.identity.person.registered.v1', gen_random_uuid()::text,
        1, now(), 'person.registered.L319.-', false, '{}')
"""


class Operator:
    """Somebody who gives commands, in a directory of his own."""

    def __init__(self, stack: Stack, directory: Path) -> None:
        self._stack = stack
        self._directory = directory

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "deploy", "--project", self._stack.project, *arguments],
            cwd=self._directory,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    def ask(self, *arguments: str, status: Exit = Exit.WELL) -> Any:
        """The JSON document of a command that ends so."""
        done = self.run(*arguments, "--json")
        assert done.returncode == status, f"{arguments}: {done.stdout}{done.stderr}"
        return json.loads(done.stdout)


@pytest.fixture
def operator(stack: Stack, tmp_path: Path) -> Operator:
    return Operator(stack, tmp_path)


def is_let_in(amqp_url: str) -> bool:
    """Whether a foreign client can connect so, and look at the cooperative's queue."""
    parameters = pika.URLParameters(amqp_url)
    parameters.socket_timeout = parameters.blocked_connection_timeout = 20
    try:
        connection = pika.BlockingConnection(parameters)
    except pika.exceptions.ProbableAuthenticationError:
        return False
    connection.channel().queue_declare(f"coop.{SLUG}", passive=True)
    connection.close()
    return True


def sign_in(stack: Stack, client: dict[str, str]) -> httpx.Response:
    return httpx.post(f"{stack.api}/client-sessions", json=client, timeout=30, trust_env=False)


def test_status_shows_everything_and_what_does_not_answer_hides_nothing_else(
    stack: Stack, operator: Operator
) -> None:
    well = eventually(lambda: operator.ask("status"), timeout_seconds=60)
    assert well["well"]
    assert {each["version"] for each in well["processes"] if each["service"].endswith("-grpc")} == {"test"}
    assert {service: each["agreement"] for service, each in well["databases"].items()} == dict.fromkeys(
        SERVICES, "same"
    )
    assert list(well["relays"].values()) == [True] * len(SERVICES)
    assert set(well["due_seconds"]) == {"webhook", "email"}
    with frozen(stack.container("postgres")):
        damaged = operator.ask("status", status=Exit.FOUND)
    stack.wait_healthy("postgres")
    assert {each["service"]: each["health"] for each in damaged["processes"]}["postgres"] == "paused"
    assert {f"database of {service}" for service in SERVICES} <= damaged["unknown"].keys()
    read = {queue["name"] for queue in damaged["broker"]["queues"] if queue["consumers"]}
    assert {f"{service}.events" for service in SERVICES} <= read
    with frozen(stack.container("rabbitmq")):
        table = operator.run("status")
    stack.wait_healthy("rabbitmq")
    assert table.returncode == Exit.FOUND
    assert "rabbitmq-1: paused" in table.stdout
    assert re.search(r"vouchers +(\d{4}) +\1 +same", table.stdout), table.stdout


def _cures_of_the_damages(operator: Operator) -> dict[str, str]:
    """Of each check that found a problem, what helps.

    Not in the first answer of all: the broker counts who reads a queue every five seconds, or later where
    the machine is busy.
    """
    found = operator.ask("doctor", status=Exit.FOUND)["findings"]
    cures = {each["check"]: each["cure"] for each in found if each["weight"] == "problem"}
    assert cures.keys() == {
        "everything_runs", "broker_has_what_it_must", "queues_are_read", "broker_takes_the_passwords",
        "secrets_can_be_used", "secrets_are_private",
    }  # fmt: skip
    return cures


def test_doctor_finds_what_is_damaged_and_the_cures_it_names_help(stack: Stack, operator: Operator) -> None:
    broker = stack.container("rabbitmq")
    rabbitmqctl(broker, "change_password", USER, "by-hand")
    rabbitmqctl(broker, "delete_queue", "--vhost", "ambito", f"coop.{SLUG}")
    (stack.secrets / "smtp-url").chmod(0o644)
    (stack.secrets / "smtp-url").write_text("mail.example.it")
    stack.secrets.chmod(0o755)
    stack.compose("stop", "catalogue-worker")
    try:
        cures = eventually(lambda: _cures_of_the_damages(operator), timeout_seconds=90)
        assert "run --rm servers" in cures["broker_takes_the_passwords"]
        assert "run --rm servers" in cures["broker_has_what_it_must"]
        assert "chmod 700" in cures["secrets_are_private"]
        lacking = operator.ask("check-topology", status=Exit.FOUND)["found"]
        assert f"missing queue coop.{SLUG}" in lacking
    finally:
        (stack.secrets / "smtp-url").write_text("smtp://mail:25")
        (stack.secrets / "smtp-url").chmod(0o444)
        stack.secrets.chmod(0o700)
        stack.compose("run", "--rm", "servers")
        stack.compose("up", "--detach", "--wait", "--no-recreate", "catalogue-worker")
    eventually(lambda: operator.ask("doctor")["well"], timeout_seconds=90)


def test_a_cooperative_comes_changes_its_credentials_is_shut_out_and_let_in(
    stack: Stack, operator: Operator, tmp_path: Path
) -> None:
    receiver = "http://172.31.255.254:9009/ambito"
    file = tmp_path / "credentials.json"
    operator.ask("cooperative", "add", SLUG, "--webhook", receiver, "--output", str(file))
    assert file.stat().st_mode & 0o777 == 0o600
    given = json.loads(file.read_text())
    (client,) = given["api"]["clients"]
    assert is_let_in(given["queue"]["amqp_url"])
    assert sign_in(stack, client).status_code == 201
    assert given["webhooks"][0]["secret"].startswith("whsec_")

    connection = pika.BlockingConnection(pika.URLParameters(given["queue"]["amqp_url"]))
    new = operator.ask("cooperative", "rotate", SLUG, "--broker", "--api-client", "--webhook")
    with pytest.raises(pika.exceptions.AMQPError):
        connection.process_data_events(time_limit=10)
    assert not is_let_in(given["queue"]["amqp_url"])
    assert is_let_in(new["queue"]["amqp_url"])
    assert sign_in(stack, client).status_code == 401
    (client,) = new["api"]["clients"]
    token = sign_in(stack, client).json()["access_token"]
    assert new["webhooks"][0]["secret"] != given["webhooks"][0]["secret"]

    doors = operator.ask("cooperative", "disable", SLUG)["changed"]
    assert sorted(doors) == ["api", "broker", "webhooks"]
    stack.compose("up", "--detach", "--wait")  # prepares the servers and loads the territory again
    assert not is_let_in(new["queue"]["amqp_url"])
    assert sign_in(stack, client).status_code == 401
    shut = {each["cooperative"]: each["disabled"] for each in operator.ask("cooperative", "list")}
    assert {slug: sorted(doors) for slug, doors in shut.items() if doors} == {
        SLUG: ["api", "broker", "webhooks"]
    }
    operator.ask("cooperative", "enable", SLUG)
    assert is_let_in(new["queue"]["amqp_url"])
    assert sign_in(stack, client).status_code == 201
    path = f"{stack.api}/webhook-endpoints/{given['webhooks'][0]['id']}"
    httpx.delete(path, headers={"Authorization": f"Bearer {token}"}, trust_env=False).raise_for_status()


def test_a_cooperative_that_the_folder_does_not_name_is_told_what_to_write_where(operator: Operator) -> None:
    done = operator.run("cooperative", "add", "nessuno")
    assert done.returncode == Exit.FAILED
    assert "providers.yaml has no cooperative 'nessuno': add an entry under `providers`" in done.stderr
    assert "`client_id: nessuno-gestionale`" in done.stderr


def test_dead_letters_are_listed_shown_tried_again_and_discarded(stack: Stack, operator: Operator) -> None:
    hears = {"catalogue", "vouchers", "notifications"}
    stack.sql("identity", NOT_WHAT_ITS_TYPE_SAYS)

    def dead(service: str) -> list[dict[str, Any]]:
        done = operator.run("dlq", "list", service, "--json")
        assert done.returncode in {Exit.WELL, Exit.FOUND}, done.stderr
        letters: list[dict[str, Any]] = json.loads(done.stdout)
        return letters

    (letter,) = eventually(lambda: dead("vouchers"), timeout_seconds=60)
    assert letter["type"] == "ambito.identity.person.registered.v1"
    assert operator.ask("dlq", "show", "vouchers", letter["id"])["body"] == "{}"
    assert operator.ask("dlq", "redrive", "vouchers", letter["id"])["count"] == 1
    assert eventually(lambda: dead("vouchers"), timeout_seconds=60)[0]["id"] == letter["id"], "not put right"
    everywhere = operator.ask("dlq", "list", status=Exit.FOUND)
    assert {each["service"] for each in everywhere} == hears
    for service in hears:
        assert operator.ask("dlq", "discard", service, "--all")["count"] == 1
    assert operator.ask("dlq", "list") == []


def test_a_difference_between_seats_and_bookings_is_found(stack: Stack, operator: Operator) -> None:
    assert operator.ask("verify-ledger")["summary"].endswith(" 0 faults")
    slot = stack.sql(
        "catalogue",
        "UPDATE slot SET taken = taken + 1 WHERE id = (SELECT id FROM slot WHERE taken < capacity AND"
        " starts_at > now() LIMIT 1) RETURNING id",
    ).strip()
    try:
        found = operator.ask("reconcile", status=Exit.FOUND)["found"]
        assert [each for each in found if each.startswith(f"slot {slot}: 1 seats taken, 0 bookings")]
    finally:
        stack.sql("catalogue", f"UPDATE slot SET taken = taken - 1 WHERE id = '{slot}'")  # noqa: S608
    assert operator.ask("reconcile")["well"]
