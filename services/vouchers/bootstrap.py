"""What vouchers is made of, and how its parts are put together.

Importing this module imports none of the parts: each process loads only what it needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from services.chassis.definition import ServiceDefinition
from services.contracts.events.catalogue import (
    BookingCancelled,
    BookingDelivered,
    BookingLapsed,
    BookingRefused,
    ProviderPublished,
    ServicePublished,
)
from services.contracts.events.identity import PersonContactChanged, PersonRegistered

if TYPE_CHECKING:
    from services.chassis.messaging.outbox import Outbox
    from services.vouchers.persistence.plans import Plans
    from services.vouchers.settings import VouchersSettings

SERVICE: Final = ServiceDefinition(
    name="vouchers",
    settings="services.vouchers.settings:VouchersSettings",
    migrations="services.vouchers.persistence.migrations",
    grpc="services.vouchers.entrypoints.grpc_api:build",
    subscriptions="services.vouchers.entrypoints.worker:subscriptions",
    jobs="services.vouchers.entrypoints.worker:jobs",
    consumes=frozenset(
        model.event_type()
        for model in (
            PersonRegistered,
            PersonContactChanged,
            ProviderPublished,
            ServicePublished,
            BookingLapsed,
            BookingRefused,
            BookingCancelled,
            BookingDelivered,
        )
    ),
    cli="services.vouchers.entrypoints.cli:commands",
)


def outbox() -> Outbox:
    """Where this service's events are written."""
    from services.chassis.messaging.outbox import Outbox
    from services.vouchers.persistence.tables import messaging

    return Outbox(messaging, "ambito/vouchers")


def plans(settings: VouchersSettings) -> Plans:
    """The plans, with the keys of their goals. CannotRunError, which names the file, if the keys are missing
    or bad.
    """
    from services.chassis.errors import CannotRunError
    from services.chassis.sealing import Sealer
    from services.vouchers.persistence.plans import Plans

    try:
        return Plans(Sealer.parse(settings.data_keys_file.read_text()))
    except (OSError, ValueError) as error:
        raise CannotRunError(f"DATA_KEYS_FILE {settings.data_keys_file}: {error}") from error
