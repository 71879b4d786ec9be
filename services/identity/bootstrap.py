"""Identity, put together. Nothing is imported that the process at hand does not need."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeVar

from services.chassis.definition import ServiceDefinition
from services.contracts.events.catalogue import CatalogueFileRead
from services.contracts.events.vouchers import VouchersFileRead

if TYPE_CHECKING:
    from pathlib import Path

    from services.chassis.clock import Clock
    from services.chassis.database import Database
    from services.identity.application.parts import Parts
    from services.identity.persistence.personal_data import PersonalData
    from services.identity.settings import IdentitySettings

Key = TypeVar("Key")

SERVICE: Final = ServiceDefinition(
    name="identity",
    settings="services.identity.settings:IdentitySettings",
    migrations="services.identity.persistence.migrations",
    grpc="services.identity.entrypoints.grpc_api:build",
    subscriptions="services.identity.entrypoints.worker:subscriptions",
    jobs="services.identity.entrypoints.worker:jobs",
    consumes=frozenset({CatalogueFileRead.event_type(), VouchersFileRead.event_type()}),
    cli="services.identity.entrypoints.cli:commands",
)


def parts(settings: IdentitySettings, database: Database, clock: Clock | None = None) -> Parts:
    """What the use cases need. Reads the key files; OSError or ValueError, which names the file, if one is
    bad.
    """
    from datetime import timedelta

    from services.chassis.clock import SystemClock
    from services.chassis.idempotency import Idempotency
    from services.chassis.messaging.outbox import Outbox
    from services.chassis.tokens import TokenSigner
    from services.identity.application.parts import Parts, Policy
    from services.identity.application.passwords import Passwords
    from services.identity.persistence.tables import messaging

    return Parts(
        database=database,
        clock=clock or SystemClock(),
        data=personal_data(settings),
        passwords=Passwords(
            memory_kib=settings.argon2_memory_kib,
            iterations=settings.argon2_iterations,
            parallelism=settings.argon2_parallelism,
            concurrent=settings.concurrent_hashings,
        ),
        signer=_key(settings.signing_key_file, lambda pem: TokenSigner(pem, settings.signing_key_id)),
        outbox=Outbox(messaging, "ambito/identity"),
        idempotency=Idempotency(messaging.idempotency),
        policy=Policy(
            access_token_seconds=settings.access_token_seconds,
            assistance_seconds=settings.assistance_seconds,
            person_lifetimes=settings.person_lifetimes,
            staff_lifetimes=settings.staff_lifetimes,
            refresh_grace=timedelta(seconds=settings.refresh_grace_seconds),
            claim_code_lifetime=timedelta(days=settings.claim_code_days),
            claim_code_attempts=settings.claim_code_attempts,
        ),
    )


def personal_data(settings: IdentitySettings) -> PersonalData:
    """The keys of personal data. Reads their files; CannotRunError, which names the file, if one is bad."""
    from services.chassis.sealing import BlindIndex, Sealer
    from services.identity.persistence.personal_data import PersonalData

    return PersonalData(
        columns=_key(settings.data_keys_file, Sealer.parse),
        index=_key(settings.blind_index_key_file, BlindIndex.parse),
        events=_key(settings.event_data_key_file, Sealer.parse),
    )


def _key(file: Path, parse: Callable[[str], Key]) -> Key:
    from services.chassis.errors import CannotRunError

    try:
        return parse(file.read_text().strip())
    except (OSError, ValueError) as error:
        raise CannotRunError(f"the key in {file} cannot be used: {error}") from error
