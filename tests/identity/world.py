"""An ambito of two comuni with people in it, on a real database."""

from __future__ import annotations

import base64
import itertools
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import sqlalchemy as sa

from services.chassis.caller import ANONYMOUS, Caller, Role
from services.chassis.clock import FixedClock
from services.chassis.database import Database
from services.chassis.idempotency import Idempotency
from services.chassis.ids import new_id
from services.chassis.messaging.outbox import Outbox
from services.chassis.sealing import BlindIndex, Sealer
from services.chassis.tokens import TokenSigner
from services.identity.application.once import Attempt
from services.identity.application.parts import Parts, Policy
from services.identity.application.passwords import Passwords
from services.identity.application.register_person import register_person
from services.identity.application.register_person_assisted import register_person_assisted
from services.identity.domain.codice_fiscale import Sex, encode
from services.identity.domain.person import PersonDetails
from services.identity.persistence import territory
from services.identity.persistence.personal_data import PersonalData
from services.identity.persistence.persons import PersonRecord
from services.identity.persistence.tables import messaging
from services.identity.settings import IdentitySettings
from tests.support.tokens import new_signing_key

GRACE = timedelta(seconds=10)
NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
PASSWORD = "Una frase lunga 7"
TRADATE, VENEGONO = "L319", "L733"
COMUNI = {TRADATE: "Tradate", VENEGONO: "Venegono Inferiore"}
SOCIAL_POINTS = {"tradate": TRADATE, "venegono-inferiore": VENEGONO}
OPERATOR, ELSEWHERE = "social_point_operator:tradate", "social_point_operator:venegono-inferiore"

_letters = itertools.product("BCDFGLMNPRSTVZ", repeat=6)
"""Of each name the codice fiscale takes exactly these three consonants."""


def key() -> bytes:
    return os.urandom(32)


def key_text() -> str:
    return base64.b64encode(key()).decode()


def new_details(**changes: object) -> PersonDetails:
    """Somebody new of Tradate, whose details agree with each other."""
    letters = "".join(next(_letters))
    family, given = f"{letters[:3].capitalize()}a", f"{letters[3:].capitalize()}o"
    values: dict[str, object] = {
        "codice_fiscale": encode(family, given, date(1942, 3, 15), Sex.MALE, TRADATE),
        "given_name": given,
        "family_name": family,
        "birth_date": date(1942, 3, 15),
        "sex": Sex.MALE,
        "comune": TRADATE,
        "address": f"Via {family} 7",
        "email": f"{given.lower()}@example.it",
        "phone": "+390331123456",
        "language": "it",
        "household_id": new_id(),
    }
    return PersonDetails(**(values | changes))  # type: ignore[arg-type]


@dataclass
class World:
    """The parts, a clock that moves when told, and shorthands for what tests start from."""

    parts: Parts
    clock: FixedClock
    database: Database
    _staff: dict[str, UUID] = field(default_factory=dict)

    def herself(self, person: PersonRecord) -> Caller:
        """The person, signed in."""
        return Caller(str(new_id()), person.id, frozenset({Role("citizen", "*")}))

    def staff(self, *roles: str, acting_for: Mapping[UUID, frozenset[str]] | None = None) -> Caller:
        """A member of staff with an account; the same one for the same roles."""
        name = "+".join(roles)
        if name not in self._staff:
            self._staff[name] = new_id()
            with self.database.transaction() as connection:
                territory.add_staff(
                    connection,
                    self.parts.data,
                    id=self._staff[name],
                    username=f"staff{len(self._staff)}",
                    display_name="Marta Galli",
                    password_hash=self.parts.passwords.hash(PASSWORD),
                    at=NOW,
                )
                territory.set_roles(connection, self._staff[name], [tuple(each.split(":")) for each in roles])  # type: ignore[misc]
        parsed = frozenset(Role.parse(role) for role in roles)
        return Caller(str(self._staff[name]), None, parsed, acting_for or {})

    def registered(self, details: PersonDetails | None = None, username: str | None = None) -> PersonRecord:
        """A person who registered herself."""
        return register_person(
            self.parts,
            ANONYMOUS,
            attempt(),
            details or new_details(),
            username=username or f"user{new_id().hex[-12:]}",
            password=PASSWORD,
            client_address=None,
        )

    def assisted(
        self, details: PersonDetails | None = None, social_point: str = "tradate", key: str | None = None
    ) -> tuple[PersonRecord, str]:
        """A person registered at a Social Point, and her code."""
        return register_person_assisted(
            self.parts,
            self.staff(f"social_point_operator:{social_point}"),
            attempt(key),
            details or new_details(),
            social_point=social_point,
            identified_by="identity_card",
            consent=True,
        )

    def rows(self, table: sa.Table, *conditions: sa.ColumnElement[bool]) -> list[sa.Row]:  # type: ignore[type-arg]
        with self.database.read() as connection:
            return list(connection.execute(sa.select(table).where(*conditions)))

    def count(self, table: sa.Table) -> int:
        return len(self.rows(table))

    def events(self, subject: UUID | None = None) -> list[sa.Row]:  # type: ignore[type-arg]
        """What was told, in order; of one aggregate if it is named."""
        outbox = messaging.outbox
        chosen = [] if subject is None else [outbox.c.subject == str(subject)]
        with self.database.read() as connection:
            return list(connection.execute(sa.select(outbox).where(*chosen).order_by(outbox.c.id)))


def attempt(key: str | None = None, body: bytes = b"body") -> Attempt:
    return Attempt(key, body)


def make_world(url: str) -> World:
    """A world on a freshly migrated database. Hashing is cheap: its cost is not what is tested."""
    database = Database(url, pool_size=24)
    clock = FixedClock(NOW)
    settings = IdentitySettings(database_url=url)
    parts = Parts(
        database=database,
        clock=clock,
        data=PersonalData(Sealer({"k": key()}, "k"), BlindIndex(key()), Sealer({"e": key()}, "e")),
        passwords=Passwords(memory_kib=8, iterations=1, parallelism=1, concurrent=8),
        signer=TokenSigner(new_signing_key(), "test-1"),
        outbox=Outbox(messaging, "ambito/identity"),
        idempotency=Idempotency(messaging.idempotency),
        policy=Policy(
            access_token_seconds=600,
            assistance_seconds=1800,
            person_lifetimes=settings.person_lifetimes,
            staff_lifetimes=settings.staff_lifetimes,
            refresh_grace=GRACE,
            claim_code_lifetime=timedelta(days=90),
            claim_code_attempts=10,
        ),
    )
    with database.transaction() as connection:
        territory.save_comuni(connection, COMUNI)
        for slug, comune in SOCIAL_POINTS.items():
            territory.save_social_point(
                connection, slug=slug, name=f"Social Point {COMUNI[comune]}", comune=comune
            )
    return World(parts, clock, database)
