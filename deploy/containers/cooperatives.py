"""A cooperative's door to the broker and its secrets: made, renewed, shut and opened again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from deploy.broker.apart import Apart
from deploy.broker.topology import cooperative_queue, cooperative_user
from deploy.containers.disabled import disabled, set_disabled
from deploy.containers.secrets import ACCOUNTS, make
from deploy.containers.servers import management, prepare_broker
from deploy.local.secrets import Secrets
from deploy.local.servers import VHOST
from services.chassis.messaging.topology_apply import close_connections
from services.contracts.territory import Territory


class CannotDo(Exception):
    """The message says what has to be done before, and where."""


class Cooperatives:
    """Those of one territory. Everything may be repeated.

    Whatever talks to the broker raises httpx.HTTPError or TopologyError if that does not go well.
    """

    def __init__(self, directory: Path, territory: Territory, apart: Apart) -> None:
        """`directory`: of the secrets."""
        self._directory = directory
        self._secrets = Secrets(directory)
        self._territory = territory
        self._apart = apart

    def listed(self) -> list[dict[str, Any]]:
        """Each cooperative of the territory's folder."""
        shut_out = disabled(self._directory)
        return [
            {
                "cooperative": provider.slug,
                "name": provider.name,
                "queue": cooperative_queue(provider.slug).name,
                "broker_user": cooperative_user(provider.slug),
                "api_clients": self._clients(provider.slug),
                "disabled": provider.slug in shut_out,
            }
            for provider in self._territory.providers
        ]

    def add(self, slug: str) -> dict[str, Any]:
        """Secrets, user, queue, rights and bindings; and no longer shut out. What its systems need to know.

        CannotDo, which says what to write into which file, if the territory's folder lacks something.
        """
        self._require(slug, client=True)
        make(self._directory, self._territory)
        self._shut(slug, to=False)
        return self._credentials(slug, self._clients(slug))

    def rotate(self, slug: str, *, broker: bool, api_client: bool) -> dict[str, Any]:
        """New secrets of these kinds, alone in what is returned. Those who are connected to the broker with
        the old one are thrown out; new API client secrets still have to be loaded. CannotDo.
        """
        self._require(slug, client=api_client)
        if broker:
            self._secrets.forget(f"broker-{cooperative_user(slug)}")
        if api_client:
            self._secrets.forget_passwords(ACCOUNTS, self._clients(slug))
        make(self._directory, self._territory)
        if broker:
            self._apply_broker()
            self._throw_out(slug)
        found = self._credentials(slug, self._clients(slug) if api_client else [])
        return found if broker else {key: value for key, value in found.items() if key != "broker"}

    def disable(self, slug: str) -> bool:
        """It cannot connect to the broker any more, and is thrown out. False if that was so already."""
        self._require(slug, client=False)
        changed = self._shut(slug, to=True)
        self._throw_out(slug)
        return changed

    def enable(self, slug: str) -> bool:
        """It can connect with the password that it had. False if it could."""
        self._require(slug, client=False)
        return self._shut(slug, to=False)

    def _shut(self, slug: str, *, to: bool) -> bool:
        changed = set_disabled(self._directory, slug, to=to)
        self._apply_broker()
        return changed

    def _apply_broker(self) -> None:
        prepare_broker(self._secrets, self._territory, self._apart, disabled(self._directory))

    def _throw_out(self, slug: str) -> None:
        with management(self._secrets) as api:
            close_connections(api, cooperative_user(slug))

    def _credentials(self, slug: str, clients: list[str]) -> dict[str, Any]:
        user = cooperative_user(slug)
        accounts = self._secrets.known_passwords(ACCOUNTS)
        return {
            "cooperative": slug,
            "broker": {
                "user": user,
                "password": self._secrets.password(f"broker-{user}"),
                "vhost": VHOST,
                "queue": cooperative_queue(slug).name,
            },
            "api_clients": [{"client_id": each, "client_secret": accounts[each]} for each in clients],
        }

    def _clients(self, slug: str) -> list[str]:
        return [each.client_id for each in self._territory.api_clients if each.provider == slug]

    def _require(self, slug: str, *, client: bool) -> None:
        wanting = []
        if slug not in self._territory.provider_by_slug:
            wanting.append(
                f"providers.yaml has no cooperative {slug!r}: add an entry under `providers` with"
                f" `slug: {slug}` and its name, VAT number, contacts, comuni_served and accreditations"
            )
        if client and not self._clients(slug):
            wanting.append(
                f"api_clients.yaml has no API client of {slug!r}: add an entry under `api_clients` with"
                f" `client_id: {slug}-gestionale`, `provider: {slug}`, a name and a contact_email"
            )
        if wanting:
            raise CannotDo("\n".join(wanting))
