"""What the broker must hold: users with hashed passwords, rights, policies, exchanges, queues, bindings.

Its messages are not in a backup: each of them is an event in an outbox, and comes from there again.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping
from typing import Any, Final

from docker.models.containers import Container

from deploy.containers.secrets import RABBITMQ_CLUSTER
from deploy.operating.installation import Installation, OperationError

FILE: Final = "broker.json"
_USER: Final = "rabbitmq"
_IN_CONTAINER: Final = "/tmp/definitions.json"  # noqa: S108 - in the container, for a moment, its owner's only
_OWN_VHOST: Final = "/"
_ADMINISTRATOR: Final = "administrator"

Definitions = Mapping[str, Any]


class Broker:
    """RabbitMQ of an installation, asked by its command in its container. OperationError when it refuses."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation

    def definitions(self) -> Definitions:
        """As RabbitMQ exports them, in an order that is the same for the same content."""
        exported: dict[str, Any] = json.loads(self._ctl("export_definitions", "-"))
        return {
            kind: sorted(entries, key=lambda each: json.dumps(each, sort_keys=True))
            if isinstance(entries, list)
            else entries
            for kind, entries in sorted(exported.items())
        }

    def waiting(self) -> dict[str, int]:
        """Messages in each queue that has any, those that a consumer holds included."""
        found: dict[str, int] = {}
        for vhost in _vhosts(self.definitions()):
            listed = self._ctl("list_queues", "--vhost", vhost, "--formatter", "json", "name", "messages")
            found |= {each["name"]: int(each["messages"]) for each in json.loads(listed) if each["messages"]}
        return found

    def replace(self, wanted: Definitions) -> None:
        """Make it hold what a backup says, and no message. Administrators and their passwords stay."""
        now = self.definitions()
        for name in _users(now) - _users(wanted) - administrators(now):
            self._ctl("delete_user", name)
        for vhost in _vhosts(now):
            self._ctl("delete_vhost", vhost)
        container = self._container()
        owner = int(self._installation.output_of(container, "id", "-u", _USER))
        container.put_archive("/", _archive(json.dumps(taken_over(wanted, administrators(now))), owner))
        try:
            self._ctl("import_definitions", _IN_CONTAINER)
        finally:
            self._installation.run_in(container, "rm", "-f", _IN_CONTAINER, user=_USER)

    def _container(self) -> Container:
        for each in self._installation.containers(*RABBITMQ_CLUSTER):
            return each
        raise OperationError("rabbitmq does not run")

    def _ctl(self, *arguments: str) -> str:
        return self._installation.output_of(
            self._container(), "rabbitmqctl", "--quiet", *arguments, user=_USER
        )


def administrators(definitions: Definitions) -> set[str]:
    """Users that manage the broker; each installation has its own."""
    return {each["name"] for each in definitions["users"] if _ADMINISTRATOR in each["tags"]}


def taken_over(definitions: Definitions, mine: set[str]) -> Definitions:
    """The part that another broker can take over, whose administrators are `mine`: they may do everything
    there, and those that the definitions name are not brought.
    """
    others = mine | administrators(definitions)
    kept = {
        kind: [each for each in entries if each.get("user") not in others]
        for kind, entries in definitions.items()
        if isinstance(entries, list) and kind != "global_parameters"
    }
    kept["users"] = [each for each in kept["users"] if each["name"] not in others]
    kept["vhosts"] = [each for each in kept["vhosts"] if each["name"] != _OWN_VHOST]
    kept["permissions"] += [
        {"user": name, "vhost": vhost["name"], "configure": ".*", "write": ".*", "read": ".*"}
        for name in sorted(mine)
        for vhost in kept["vhosts"]
    ]
    return kept


def _users(definitions: Definitions) -> set[str]:
    return {each["name"] for each in definitions["users"]}


def _vhosts(definitions: Definitions) -> list[str]:
    return [each["name"] for each in definitions["vhosts"] if each["name"] != _OWN_VHOST]


def _archive(text: str, owner: int) -> bytes:
    data = text.encode()
    entry = tarfile.TarInfo(_IN_CONTAINER.lstrip("/"))
    entry.size, entry.mode, entry.uid = len(data), 0o600, owner
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.addfile(entry, io.BytesIO(data))
    return packed.getvalue()
