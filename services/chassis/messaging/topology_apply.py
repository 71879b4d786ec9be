"""Giving the broker the topology, and finding what it lost of it, through its management API.

Applying it again changes nothing. Bindings can be seen here only: AMQP tells a client nothing about them.
"""

from collections.abc import Collection, Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

import httpx

from services.chassis.messaging.topology import QUEUE_ARGUMENTS, Binding, Topology, User
from services.chassis.messaging.topology_check import TopologyError

_CLOSING_TURNS: Final = 20


def apply(
    topology: Topology,
    management: httpx.Client,
    vhost: str,
    passwords: Mapping[str, str | None],
    *,
    keep_bindings: bool = False,
) -> None:
    """Create or bring up to date everything in `topology`; `passwords` has one for each of its users, or None
    for one who is not to connect.

    Bindings of these exchanges and queues that are not in the topology are removed, after those that are
    missing were made, unless another version still works with them. Queues are never deleted or emptied,
    users never removed.

    Args:
        topology: what `topology.build` returned.
        management: a client with the base URL and credentials of an administrator.
        vhost: created if missing.
        passwords: by user's name. Whoever gets None keeps the connections he has: `close_connections`.
        keep_bindings: whether bindings that are not in the topology stay.

    Raises:
        TopologyError: something exists in another form, which the broker cannot change; or it refused a
        request.
    """
    if missing := {user.name for user in topology.users} - passwords.keys():
        raise ValueError(f"no password for {', '.join(sorted(missing))}")
    api = _Api(management, quote(vhost, safe=""))
    api.put(f"/api/vhosts/{api.vhost}", {})
    for exchange in topology.exchanges:
        arguments = {} if exchange.alternate is None else {"alternate-exchange": exchange.alternate}
        api.put(
            api.path("exchanges", exchange.name),
            {"type": exchange.kind, "durable": True, "arguments": arguments},
        )
    for policy in topology.policies:  # before the queues, which thus never exist without their bounds
        api.put(
            api.path("policies", policy.queue),
            {"pattern": policy.pattern, "apply-to": "queues", "definition": dict(policy.definition)},
        )
    for queue in topology.queues:
        api.put(
            api.path("queues", queue.name),
            {"durable": True, "auto_delete": False, "arguments": dict(QUEUE_ARGUMENTS)},
        )
    _apply_bindings(api, topology, keep=keep_bindings)
    for user in topology.users:
        _apply_user(api, user, passwords[user.name])


def check_bindings(topology: Topology, management: httpx.Client, vhost: str) -> None:
    """Raise `TopologyError` unless the broker has every binding of `topology`; others do not matter.

    `management`: a client with the base URL and credentials of somebody who may look at `vhost`.
    """
    if missing := missing_bindings(topology, management, vhost):
        lines = "".join(f"\n  {binding}" for binding in missing)
        raise TopologyError(f"bindings are missing on the broker; apply the topology:{lines}")


def missing_bindings(topology: Topology, management: httpx.Client, vhost: str) -> list[Binding]:
    """The bindings of `topology` that the broker does not have. TopologyError if it does not answer."""
    api = _Api(management, quote(vhost, safe=""))
    missing = topology.bindings - {_binding(entry) for entry in api.get(api.path("bindings"))}
    return sorted(missing, key=str)


def close_connections(management: httpx.Client, user: str) -> int:
    """Close the connections that a user has now; how many. TopologyError if the broker refuses.

    One that was opened a moment ago is known to the broker's node before its management API: hence again,
    until none is left.
    """
    api = _Api(management, "")
    closed = 0
    for _ in range(_CLOSING_TURNS):
        names = [each["name"] for each in api.get("/api/connections") if each.get("user") == user]
        if not names:
            break
        for name in names:
            api.delete_if_there(f"/api/connections/{quote(name, safe='')}")
        closed += len(names)
    return closed


class _Api:
    def __init__(self, client: httpx.Client, vhost: str) -> None:
        self._client = client
        self.vhost = vhost

    def path(self, kind: str, *names: str) -> str:
        return "/".join(("/api", kind, self.vhost, *(quote(name, safe="") for name in names)))

    def put(self, path: str, body: Mapping[str, Any]) -> None:
        self._request("PUT", path, body)

    def post(self, path: str, body: Mapping[str, Any]) -> None:
        self._request("POST", path, body)

    def delete(self, path: str) -> None:
        self._request("DELETE", path, None)

    def delete_if_there(self, path: str) -> None:
        self._request("DELETE", path, None, accepted=(HTTPStatus.NOT_FOUND,))

    def get(self, path: str) -> Any:  # noqa: ANN401 - JSON
        return self._request("GET", path, None).json()

    def _request(
        self, method: str, path: str, body: Mapping[str, Any] | None, *, accepted: Collection[int] = ()
    ) -> httpx.Response:
        try:
            response = self._client.request(method, path, json=body)
        except httpx.HTTPError as error:
            raise TopologyError(f"the broker's management API does not answer: {error}") from error
        if response.is_error and response.status_code not in accepted:
            raise TopologyError(f"{method} {path}: {response.status_code} {response.text[:300]}")
        return response


def _apply_bindings(api: _Api, topology: Topology, *, keep: bool) -> None:
    existing = {
        _binding(entry): entry["properties_key"] for entry in api.get(api.path("bindings")) if entry["source"]
    }
    for binding in sorted(topology.bindings - existing.keys(), key=repr):
        api.post(_path_of(api, binding), {"routing_key": binding.routing_key})
    if keep:
        return
    ours = {exchange.name for exchange in topology.exchanges} | {queue.name for queue in topology.queues}
    # What is bound to one with an alternate withholds messages from it: a partition that is no more.
    first_served = {exchange.name for exchange in topology.exchanges if exchange.alternate is not None}
    for binding, key in existing.items():
        of_ours = binding.destination in ours or binding.source in first_served
        if of_ours and binding not in topology.bindings:
            api.delete(f"{_path_of(api, binding)}/{quote(key, safe='')}")


def _binding(entry: Mapping[str, Any]) -> Binding:
    return Binding(
        entry["source"], entry["destination"], entry["routing_key"], entry["destination_type"] == "exchange"
    )


def _path_of(api: _Api, binding: Binding) -> str:
    kind = "e" if binding.to_exchange else "q"
    return api.path("bindings", "e", binding.source, kind, binding.destination)


def _apply_user(api: _Api, user: User, password: str | None) -> None:
    name = quote(user.name, safe="")
    secret = {"password_hash": ""} if password is None else {"password": password}
    api.put(f"/api/users/{name}", {**secret, "tags": ""})
    api.put(
        f"/api/permissions/{api.vhost}/{name}",
        {"configure": user.configure, "write": user.write, "read": user.read},
    )
