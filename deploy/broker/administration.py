"""Virtual host, users and permissions, through RabbitMQ's management API. Everything can be applied again."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

import httpx


class AdministrationError(Exception):
    """The management API refused or did not answer; the message says what was asked."""


@dataclass(frozen=True)
class Rights:
    """Regular expressions over names: what a user may create, publish to and consume from."""

    configure: str
    write: str
    read: str


NOTHING = "^$"


def service_rights(service: str) -> Rights:
    """A service publishes to its own exchanges and consumes its own queues; it creates nothing.

    Its queues' names are in `write` too: a message that is given up moves to its own dead-letter queue.
    """
    name = re.escape(service)
    queues = rf"{name}\.events(\.[a-z-]+)?"
    return Rights(
        configure=NOTHING,
        write=rf"^(ambito\.{name}(\.public)?|{queues}|amq\.default)$",
        read=rf"^{queues}$",
    )


def cooperative_rights(slug: str) -> Rights:
    """A cooperative consumes its own queue and can do nothing else."""
    return Rights(configure=NOTHING, write=NOTHING, read=rf"^coop\.{re.escape(slug)}$")


class BrokerAdministration:
    """One virtual host of a broker; `management_url` carries an administrator's credentials."""

    def __init__(self, management_url: str, vhost: str) -> None:
        self.management_url = management_url
        self.vhost = vhost

    def ensure_vhost(self) -> None:
        """Create the virtual host, and let the administrator work in it."""
        administrator = httpx.URL(self.management_url).username
        self._put(f"/api/vhosts/{_part(self.vhost)}", {"default_queue_type": "quorum"})
        self._put(self._permissions(administrator), {"configure": ".*", "write": ".*", "read": ".*"})

    def ensure_users(self, users: Mapping[str, tuple[str, Rights]]) -> None:
        """Create or correct users: name → (password, rights in this virtual host)."""
        for name, (password, rights) in users.items():
            self._put(f"/api/users/{_part(name)}", {"password": password, "tags": ""})
            self._put(self._permissions(name), vars(rights))

    def _permissions(self, user: str) -> str:
        return f"/api/permissions/{_part(self.vhost)}/{_part(user)}"

    def _put(self, path: str, body: Mapping[str, str]) -> None:
        try:
            with httpx.Client(base_url=self.management_url, timeout=30, trust_env=False) as client:
                answer = client.put(path, json=body)
        except httpx.HTTPError as error:
            raise AdministrationError(f"PUT {path}: {error or type(error).__name__}") from error
        if not answer.is_success:
            raise AdministrationError(f"PUT {path}: {answer.status_code} {answer.text[:200]}")


def _part(text: str) -> str:
    return quote(text, safe="")
