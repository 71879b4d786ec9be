"""What the use cases are made with; put together once per process, in bootstrap."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from services.chassis.civil_time import local_day
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.idempotency import Idempotency
from services.chassis.messaging.outbox import Outbox
from services.chassis.tokens import TokenSigner
from services.identity.application.passwords import Passwords
from services.identity.domain.session import Lifetimes
from services.identity.persistence.personal_data import PersonalData


@dataclass(frozen=True, slots=True)
class Policy:
    """How long things last, and how often they may be tried."""

    access_token_seconds: int
    assistance_seconds: int
    person_lifetimes: Lifetimes
    staff_lifetimes: Lifetimes
    refresh_grace: timedelta
    claim_code_lifetime: timedelta
    claim_code_attempts: int


@dataclass(frozen=True, slots=True)
class Parts:
    """The database, the clock, the keys and the policy."""

    database: Database
    clock: Clock
    data: PersonalData
    passwords: Passwords
    signer: TokenSigner
    outbox: Outbox
    idempotency: Idempotency
    policy: Policy

    @property
    def today(self) -> date:
        """The day it is in Italy."""
        return local_day(self.clock.now())
