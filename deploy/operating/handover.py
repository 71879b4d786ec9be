"""What a cooperative must be told so that its systems can connect: addresses and credentials, once."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

from docker.models.containers import Container

from deploy.operating.installation import Installation, OperationError, setting_of

_AMQP: Final = {"5671/tcp": "amqps", "5672/tcp": "amqp"}
"""Ports inside, the better one first."""
_EVERYWHERE: Final = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - read, not bound
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where others reach this installation."""

    portal: str
    broker: str
    """`amqps://host:port`"""

    @property
    def api(self) -> str:
        return f"{self.portal.rstrip('/')}/api/v1"

    def amqp_url(self, broker: Mapping[str, str]) -> str:
        """For a client: with user, password and virtual host."""
        scheme, _, place = self.broker.partition("://")
        user, password = (quote(broker[key], safe="") for key in ("user", "password"))
        return f"{scheme}://{user}:{password}@{place}/{quote(broker['vhost'], safe='')}"


def addresses_of(installation: Installation, host: str | None) -> Addresses:
    """`host`: the name by which cooperatives know this machine; without it, what the portal's address or the
    machine says. OperationError if the broker is published nowhere.
    """
    portal = setting_of(installation.container("notifications-grpc"), "PORTAL_URL") or ""
    named = urlsplit(portal).hostname or ""
    fallback = socket.getfqdn() if named in _LOOPBACK | {""} else named
    for inner, scheme in _AMQP.items():
        for ip, port in published(installation.containers(), inner):
            place = host or (fallback if ip in _EVERYWHERE else ip)
            return Addresses(portal, f"{scheme}://{f'[{place}]' if ':' in place else place}:{port}")
    raise OperationError("the broker is published at no port (AMQP_BIND, AMQPS_BIND)")


def published(containers: list[Container], inner: str) -> list[tuple[str, int]]:
    """Addresses and ports of this machine that lead to a port like `5672/tcp` of one of these."""
    return [
        (bound["HostIp"], int(bound["HostPort"]))
        for each in containers
        for bound in each.attrs["NetworkSettings"]["Ports"].get(inner) or ()
    ]


def handover(
    addresses: Addresses, credentials: Mapping[str, Any], webhooks: list[dict[str, Any]]
) -> dict[str, Any]:
    """Everything new in `credentials` (as the image `operations` gives them) and `webhooks`, in the
    cooperative's terms.
    """
    document: dict[str, Any] = {"cooperative": credentials["cooperative"]}
    if broker := credentials.get("broker"):
        document["queue"] = {"name": broker["queue"], "amqp_url": addresses.amqp_url(broker)}
    if clients := credentials.get("api_clients"):
        document["api"] = {
            "clients": clients,
            "token_url": f"{addresses.api}/client-sessions",
            "feed_url": f"{addresses.api}/events",
        }
    if webhooks:
        document["webhooks"] = webhooks
    return document


def in_words(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The same as lines of a table."""
    lines = [("cooperative", document["cooperative"])]
    if queue := document.get("queue"):
        lines += [("queue", queue["name"]), ("AMQP URL", queue["amqp_url"])]
    if api := document.get("api"):
        for client in api["clients"]:
            lines += [("API client id", client["client_id"]), ("API client secret", client["client_secret"])]
        lines += [("tokens from", f"POST {api['token_url']}"), ("feed", f"GET {api['feed_url']}?after=…")]
    for webhook in document.get("webhooks", ()):
        lines += [("webhook", webhook["url"]), ("webhook secret", webhook["secret"])]
        if grace := webhook.get("grace_hours"):
            lines.append(("old webhook secret", f"signs as well for {grace:g} h"))
    return lines


def require_new(file: Path | None) -> None:
    """OperationError if there is such a file: asked before anything is made that it is to hold."""
    if file is not None and file.exists():
        raise OperationError(f"{file} exists; nothing is overwritten")


def write_privately(file: Path, text: str) -> None:
    """Into a new file that only its owner can read. OperationError if there is one."""
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as target:
            target.write(text)
    except OSError as error:
        raise OperationError(f"{file}: {error.strerror}; nothing is overwritten") from error
