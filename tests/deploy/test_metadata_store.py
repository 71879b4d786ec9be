"""A cluster is switched to Khepri once, when all nodes run; on real ones: `containers/test_cluster.py`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx
import pytest

from deploy.containers.metadata_store import NodesMissing, enable_khepri

NEW = {"rabbitmq_4.0.0": "enabled", "khepri_db": "disabled"}


@dataclass
class Broker:
    """Answers as the management API does."""

    flags: dict[str, str]
    running: list[list[str]]
    """The nodes that run, by one look after the other."""
    enabled: list[str] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        match request.method, request.url.path:
            case "GET", "/api/feature-flags":
                return httpx.Response(200, json=[{"name": n, "state": s} for n, s in self.flags.items()])
            case "GET", "/api/nodes":
                now = self.running.pop(0) if len(self.running) > 1 else self.running[0]
                return httpx.Response(
                    200, json=[{"name": name, "running": name in now} for name in ("a", "b", "c")]
                )
            case "PUT", "/api/feature-flags/khepri_db/enable":
                self.enabled.append(json.loads(request.content)["name"])
                return httpx.Response(204)
        return httpx.Response(404)


@pytest.fixture
def broker() -> Broker:
    return Broker(dict(NEW), [["a", "b", "c"]])


@pytest.fixture
def management(broker: Broker) -> Iterator[httpx.Client]:
    with httpx.Client(transport=httpx.MockTransport(broker), base_url="http://broker") as client:
        yield client


def test_it_is_switched_when_the_last_node_has_come(broker: Broker, management: httpx.Client) -> None:
    broker.running = [["a", "b"], ["a", "b", "c"]]
    enable_khepri(management, 3)
    assert broker.enabled == ["khepri_db"]


def test_nothing_is_switched_while_a_node_is_missing(broker: Broker, management: httpx.Client) -> None:
    broker.running = [["a", "c"]]
    with pytest.raises(NodesMissing, match="of 3 RabbitMQ nodes only these run: a, c"):
        enable_khepri(management, 3, within_seconds=0)
    assert broker.enabled == []


@pytest.mark.parametrize(
    "flags",
    [
        NEW | {"khepri_db": "enabled"},  # a node may be missing then: nothing is to be done
        {"khepri_db": "disabled"},  # RabbitMQ 3.13, where it was an experiment
        {"quorum_queue": "enabled"},
        {"rabbitmq_4.0.0": "enabled"},  # some day the switch will be gone
    ],
)
def test_it_is_left_as_it_is(broker: Broker, management: httpx.Client, flags: dict[str, str]) -> None:
    broker.flags, broker.running = flags, [["a"]]
    enable_khepri(management, 3, within_seconds=0)
    assert broker.enabled == []
