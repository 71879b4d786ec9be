"""deploy/stack.yaml on a swarm: everything comes up by itself, and is replaced while people book."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from docker import DockerClient

from tests.deploy.containers.people import ContainerWorld, booking
from tests.support.containers import psql
from tests.support.polling import eventually
from tests.support.stack import ROOT, Stack
from tests.support.swarm import SwarmStack, swarm_stack

pytestmark = pytest.mark.long

CONFIRMED = "SELECT subject FROM outbox WHERE type = 'ambito.catalogue.booking.confirmed.v1'"
UNPUBLISHED = "SELECT event_id FROM outbox WHERE published_at IS NULL"
PRIVATE = {"WEBHOOK_ALLOWED_NETWORKS": "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16"}


def to_try_it(secrets: Path) -> dict[str, Any]:
    """As compose.demo.yaml."""
    image = "${AMBITO_IMAGES}/demo:${AMBITO_VERSION}"
    mail = ["aiosmtpd", "-n", "-l", "0.0.0.0:25", "-c", "aiosmtpd.handlers.Mailbox", "/mail/box"]
    mounted = ["mail:/mail:ro", f"{secrets}:/secrets:ro", f"{ROOT}/deploy/data/tradate:/territory:ro"]
    return {
        "services": {
            "catalogue-grpc": {"environment": {"DELIVERY_EARLIEST_BEFORE_START_MINUTES": "86400"}},
            "notifications-grpc": {"environment": PRIVATE},
            "notifications-deliver": {"environment": PRIVATE},
            "gateway": {"environment": {"REQUESTS_PER_MINUTE": "1000000"}},
            "mail": {
                "image": image,
                "command": mail,
                "networks": ["egress"],
                "volumes": ["mail:/mail"],
                "deploy": {"endpoint_mode": "dnsrr"},
            },
            "demo": {
                "image": image,
                "command": ["deploy.demo", "containers"],
                "user": "0:0",
                "networks": ["edge", "partners", "egress"],
                "volumes": mounted,
                # Tells the story as soon as there is something to tell it on.
                "deploy": {
                    "mode": "replicated-job",
                    "restart_policy": {"condition": "on-failure", "delay": "10s", "max_attempts": 60},
                },
            },
        },
        "volumes": {"mail": {}},
    }


@pytest.fixture
def swarm(docker_engine: DockerClient, server_directory: Path) -> Iterator[SwarmStack]:
    # Images and secrets as for Compose; nothing of it is started.
    compose = Stack(docker_engine, server_directory / "swarm", name="-swarm")
    compose.compose("--profile", "tools", "build", "--quiet")
    try:
        compose.compose("run", "--rm", "secrets")
        compose.compose("run", "--rm", "secrets", "certificate", "localhost")
    finally:
        compose.down()
    more = server_directory / "swarm" / "to-try-it.json"
    more.write_text(json.dumps(to_try_it(compose.secrets)))
    with swarm_stack(docker_engine, compose.images, compose.secrets) as stack:
        stack.deploy(more)
        yield stack


def test_a_stack_comes_up_and_is_replaced_while_people_book(swarm: SwarmStack) -> None:
    swarm.wait()
    assert "All 16 steps as expected" in swarm.docker("service", "logs", "--raw", f"{swarm.name}_demo")
    for each in ("gateway", "catalogue-grpc"):
        swarm.scale(each, 2)
    with closing(ContainerWorld(swarm.base_url, swarm.secrets)) as world:
        load = booking(world, clients=3)
        with load:
            for each in ("gateway", "catalogue-grpc"):
                sofar = load.acknowledged
                swarm.update(each)
                eventually(lambda before: load.acknowledged > before + 10, sofar, timeout_seconds=120)
    assert load.market.records.wrong == []
    acknowledged = [visit for purse in load.purses for visit in purse.visits]
    confirmed = Counter(rows(swarm, CONFIRMED))
    assert {each: confirmed[each] for each in acknowledged} == dict.fromkeys(acknowledged, 1)
    eventually(lambda: rows(swarm, UNPUBLISHED) == [], timeout_seconds=60)


def rows(swarm: SwarmStack, statement: str) -> list[str]:
    return psql(swarm.container("postgres"), "catalogue", statement).split()
