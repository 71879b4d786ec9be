"""`endpoints list | add | rotate | disable | enable`: the operations team, for one cooperative."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Annotated, Any, cast
from uuid import UUID

import typer

from services.chassis.caller import Caller, Role
from services.chassis.clock import SystemClock
from services.chassis.database import Database
from services.chassis.process import fail, start
from services.chassis.refusal import Refusal
from services.chassis.sealing import Sealer
from services.contracts.access import PROVIDER_CLIENT
from services.notifications.application.disable_webhooks import disable_webhooks
from services.notifications.application.enable_webhooks import enable_webhooks
from services.notifications.application.rotate_secret import rotate_secret
from services.notifications.bootstrap import SERVICE, manage_endpoints
from services.notifications.persistence.endpoints import StoredEndpoint, all_endpoints
from services.notifications.persistence.providers import disabled_providers
from services.notifications.settings import NotificationsSettings

commands = typer.Typer()
endpoints = typer.Typer(help="Webhook endpoints of cooperatives.", no_args_is_help=True)
commands.add_typer(endpoints, name="endpoints")
_Provider = Annotated[str, typer.Argument(help="The cooperative's name in the territory's folder.")]


@endpoints.command("list")
def list_(
    provider: Annotated[str | None, typer.Argument(help="Only of this cooperative.")] = None,
) -> None:
    """Endpoints, and the cooperatives that are disabled with since when, as one JSON document."""
    with _parts() as (_, database), database.read() as connection:
        found, disabled = all_endpoints(connection), disabled_providers(connection)
    _print({
        "disabled": {each: since.isoformat() for each, since in disabled.items()},
        "endpoints": [_shown(each) for each in found if provider in {None, each.provider}],
    })  # fmt: skip


@endpoints.command()
def add(
    provider: _Provider,
    url: str,
    event_type: Annotated[
        list[str] | None, typer.Option("--type", help="Only events of this type; may be repeated.")
    ] = None,
) -> None:
    """Register an endpoint; prints it with its secret, which is never shown again."""

    def answer(endpoint: StoredEndpoint, secret: str) -> bytes:
        return json.dumps(_shown(endpoint) | {"secret": secret}).encode()

    with _parts() as (settings, database):
        added = manage_endpoints(settings, database).create(
            _acting_for(provider),
            provider=provider,
            url=url,
            event_types=event_type or [],
            idempotency_key=None,
            answer=answer,
        )
    typer.echo(added.decode())


@endpoints.command()
def rotate(
    endpoint: UUID,
    grace_hours: Annotated[
        float, typer.Option(min=0, max=24 * 30, help="For how long the old secret signs as well.")
    ] = 24.0,
) -> None:
    """Give an endpoint a new secret, and print it; it is never shown again."""
    with _parts() as (settings, database):
        secret = rotate_secret(
            database,
            Sealer.parse(settings.data_keys_file.read_text()),
            SystemClock(),
            endpoint,
            grace=timedelta(hours=grace_hours),
        )
    _print({"id": str(endpoint), "secret": secret, "grace_hours": grace_hours})


@endpoints.command()
def disable(provider: _Provider) -> None:
    """Send nothing to the cooperative's endpoints any more; what it misses is in the feed."""
    with _parts() as (_, database):
        _print({"provider": provider, "changed": disable_webhooks(database, provider)})


@endpoints.command()
def enable(provider: _Provider) -> None:
    """Send to the cooperative's endpoints what happens from now on."""
    with _parts() as (_, database):
        _print({"provider": provider, "changed": enable_webhooks(database, provider)})


def _acting_for(provider: str) -> Caller:
    return Caller("operations", roles=frozenset({Role(PROVIDER_CLIENT, provider)}))


def _shown(endpoint: StoredEndpoint) -> dict[str, Any]:
    return {
        "id": str(endpoint.id),
        "provider": endpoint.provider,
        "url": endpoint.url,
        "event_types": endpoint.event_types,
        "state": endpoint.state.value,
        "disabled_reason": endpoint.disabled_reason,
        "created_at": endpoint.created_at.isoformat(),
    }


def _print(document: dict[str, Any]) -> None:
    typer.echo(json.dumps(document))


@contextmanager
def _parts() -> Iterator[tuple[NotificationsSettings, Database]]:
    settings = cast("NotificationsSettings", start(SERVICE, "endpoints"))
    database = Database.from_settings(settings, "notifications-endpoints")
    try:
        yield settings, database
    except Refusal as refusal:
        fail(refusal.message("en"))
    finally:
        database.dispose()
