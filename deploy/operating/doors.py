"""The three doors of a cooperative, each kept by another part: the broker, the API, its webhooks."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from deploy.operating.installation import Installation, OperationError, documents
from deploy.operating.service_commands import answer_of_service
from deploy.operating.tools import answer_of_tool

DOORS: Final = ("broker", "api", "webhooks")
_KINDS: Final = ("grpc",)


class Doors:
    """Those of every cooperative. Everything raises OperationError."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation

    def cooperatives(self) -> list[dict[str, Any]]:
        """Each one of the territory's folder, with which of its doors are shut, and its active webhooks."""
        printed = answer_of_service(self._installation, "identity", "clients", "list", kinds=_KINDS)
        shut_api = {each["provider"] for each in documents(printed) if each["disabled_since"]}
        webhooks = self.webhooks("list")
        rows = []
        for row in self._known():
            slug = row["cooperative"]
            shut = {
                "broker": row["disabled"],
                "api": slug in shut_api,
                "webhooks": slug in webhooks["disabled"],
            }
            urls = [each["url"] for each in _active(webhooks) if each["provider"] == slug]
            rows.append({**row, "webhooks": urls, "disabled": [door for door in DOORS if shut[door]]})
        return rows

    def move(self, what: str, slug: str, step: Callable[[str], None]) -> list[str]:
        """`disable` or `enable` at each door; those that were not so already. One that does not move keeps
        nobody from the others. `step` hears the name of each.
        """
        known = [row["cooperative"] for row in self._known()]
        if slug not in known:
            raise OperationError(f"providers.yaml has no cooperative {slug!r}; it has {', '.join(known)}")
        movers: dict[str, Callable[..., dict[str, Any]]] = {
            "broker": self.broker, "api": self.api, "webhooks": self.webhooks,
        }  # fmt: skip
        changed, failed = [], []
        for door, mover in movers.items():
            step(door)
            try:
                if mover(what, slug)["changed"]:
                    changed.append(door)
            except OperationError as error:
                failed.append(f"{door}: {error}")
        if failed:
            raise OperationError("\n".join([f"{what} {slug} is not done; repeat it after this:", *failed]))
        return changed

    def active_webhooks(self, slug: str) -> list[dict[str, Any]]:
        """Those to which is sent; OperationError if there is none."""
        if not (active := _active(self.webhooks("list", slug))):
            raise OperationError(f"{slug} has no active webhook")
        return active

    def broker(self, *arguments: str) -> dict[str, Any]:
        """A command of the image `operations` for one cooperative."""
        answer = answer_of_tool(self._installation, "cooperative", *arguments, writing=True)
        found: dict[str, Any] = json.loads(answer)
        return found

    def api(self, *arguments: str) -> dict[str, Any]:
        """A command of identity's for its API clients."""
        return self._one("identity", "clients", *arguments)

    def webhooks(self, *arguments: str) -> dict[str, Any]:
        """A command of notifications' for its endpoints."""
        return self._one("notifications", "endpoints", *arguments)

    def _one(self, service: str, *arguments: str) -> dict[str, Any]:
        (found,) = documents(answer_of_service(self._installation, service, *arguments, kinds=_KINDS))
        return found

    def _known(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = json.loads(answer_of_tool(self._installation, "cooperative", "list"))
        return rows


def _active(webhooks: dict[str, Any]) -> list[dict[str, Any]]:
    return [each for each in webhooks["endpoints"] if each["state"] == "active"]
