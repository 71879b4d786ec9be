"""Where the nodes of a RabbitMQ cluster keep what they agree on: users, queues, bindings, who leads what.

In Mnesia, with which RabbitMQ before 4.2 begins, a node that was frozen or cut off for a moment stays apart
from the others for good (rabbitmq-server#17319; `pause_minority` sees nothing): it runs, its queues are led
twice, and nobody is told. In Khepri they agree as a quorum queue does, and a node that comes back follows.
"""

from __future__ import annotations

import time
from typing import Any, Final

import httpx

_FROM_VERSION: Final = "rabbitmq_4.0.0"
"""The feature flag that all nodes have when Khepri is supported."""
_KHEPRI: Final = "khepri_db"
_RUNNING_WITHIN_SECONDS: Final = 60.0


class NodesMissing(Exception):
    """The nodes can only change together how they agree, and they do not all run."""


def enable_khepri(
    management: httpx.Client, nodes: int, *, within_seconds: float = _RUNNING_WITHIN_SECONDS
) -> None:
    """Have all `nodes` keep their metadata in Khepri from now on. There is no way back; queues go on.

    Nothing to do where they do so already, or where the broker is too old for it. `management`: a client with
    the base URL and credentials of an administrator.

    Raises:
        NodesMissing: fewer than `nodes` run, also after `within_seconds`.
        httpx.HTTPError: the broker does not answer, or refuses.
    """
    states = {flag["name"]: flag["state"] for flag in _get(management, "/api/feature-flags")}
    if states.get(_FROM_VERSION) != "enabled" or states.get(_KHEPRI) != "disabled":
        return
    deadline = time.monotonic() + within_seconds
    while len(running := _running(management)) < nodes:
        if time.monotonic() > deadline:
            raise NodesMissing(
                f"of {nodes} RabbitMQ nodes only these run: {', '.join(running)}. "
                "They are to keep their metadata in Khepri, and can change to it only together"
            )
        time.sleep(0.5)
    management.put(f"/api/feature-flags/{_KHEPRI}/enable", json={"name": _KHEPRI}).raise_for_status()


def _running(management: httpx.Client) -> list[str]:
    return sorted(node["name"] for node in _get(management, "/api/nodes") if node.get("running"))


def _get(management: httpx.Client, path: str) -> Any:  # noqa: ANN401 - JSON
    return management.get(path).raise_for_status().json()
