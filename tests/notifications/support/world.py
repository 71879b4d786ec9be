"""notifications on a database of its own, told of events as its worker would be."""

from __future__ import annotations

import base64
import json
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from services.chassis.database import Database
from services.chassis.ids import new_id
from services.chassis.messaging.processing import Outcome, Processor, Verdict
from services.chassis.messaging.received import Received
from services.chassis.sealing import Sealer
from services.contracts.events.base import EventData
from services.contracts.events.catalogue import (
    BookingCancelled,
    BookingConfirmed,
    BookingEvent,
    ProviderPublished,
)
from services.contracts.events.identity import DelegationGranted, PersonContactChanged, PersonRegistered
from services.notifications.entrypoints.worker import subscriptions
from services.notifications.persistence.tables import messaging
from services.notifications.settings import NotificationsSettings

STARTS_AT = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
ENDS_AT = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
PROVIDER = "cooperativa-aurora"
PROVIDER_NAME = "Cooperativa Aurora"
OTHER_PROVIDER = "cooperativa-brezza"


@dataclass(frozen=True)
class Someone:
    """A person as identity knows her."""

    given_name: str
    email: str | None
    household_id: UUID = field(default_factory=new_id)
    language: str = "it"
    person_id: UUID = field(default_factory=new_id)


def public_event(body: bytes) -> Received:
    """A cooperative's booking was confirmed, as its message comes in."""
    return Received(
        id=new_id(),
        type=BookingConfirmed.event_type(),
        subject=str(new_id()),
        sequence=1,
        occurred_at=datetime(2026, 11, 23, 10, tzinfo=UTC),
        routing_key=f"booking.confirmed.L319.{PROVIDER}",
        headers={"ce-source": "ambito/catalogue"},
        body=body,
    )


class World:
    """A migrated database, the settings of a process on it, and the events it has been told of."""

    def __init__(self, database_url: str, directory: Path, **settings: Any) -> None:
        ring = "k1:" + base64.b64encode(os.urandom(32)).decode()
        (directory / "event-data-keys").write_text(ring)
        (directory / "data-keys").write_text("k1:" + base64.b64encode(os.urandom(32)).decode())
        self.identitys_sealer = Sealer.parse(ring)
        self.settings = NotificationsSettings(
            database_url=database_url,
            event_data_key_file=directory / "event-data-keys",
            data_keys_file=directory / "data-keys",
            **{"webhook_allowed_networks": "127.0.0.0/8", **settings},
        )
        self.database = Database(database_url)
        self._processor = Processor(
            self.database,
            messaging,
            subscriptions(self.settings, self.database),
            at_once=100,
            database_wait_seconds=1,
            stopping=threading.Event(),
        )

    def environment(self, **more: object) -> dict[str, str]:
        """The environment of a process with these settings."""
        given = self.settings.model_dump(exclude_unset=True) | more
        return {name.upper(): str(value) for name, value in given.items()}

    def rows(self, statement: str, **values: object) -> list[Any]:
        """What a query answers."""
        with self.database.read() as connection:
            return list(connection.execute(sa.text(statement), values))

    def scalar(self, statement: str, **values: object) -> Any:
        """The one value that a query answers."""
        return self.rows(statement, **values)[0][0]

    def change(self, statement: str, **values: object) -> None:
        """Runs a statement that changes something."""
        with self.database.transaction() as connection:
            connection.execute(sa.text(statement), values)

    def receive(
        self,
        data: EventData,
        *,
        subject: str | None = None,
        sequence: int = 1,
        provider: str | None = None,
        event_id: UUID | None = None,
    ) -> Verdict:
        """Handles the event as the worker would."""
        event_id = event_id or new_id()
        provider = provider or getattr(data, "provider", "-") if data.public else "-"
        headers: Mapping[str, str] = {
            "ce-specversion": "1.0",
            "ce-id": str(event_id),
            "ce-type": data.event_type(),
            "ce-source": f"ambito/{data.service}",
            "ce-subject": subject or str(new_id()),
            "ce-time": "2026-11-23T10:00:00Z",
            "ce-sequence": str(sequence),
        }
        return self._processor.process(
            headers,
            content_type="application/json",
            routing_key=f"{data.aggregate}.{data.verb}.L319.{provider}",
            body=data.to_json(),
        )

    def told(self, data: EventData, **how: Any) -> UUID:
        """As `receive`, for an event that must be handled; its id."""
        event_id: UUID = how.pop("event_id", None) or new_id()
        verdict = self.receive(data, event_id=event_id, **how)
        assert verdict.outcome is Outcome.DONE, verdict
        return event_id

    def registered(self, someone: Someone, *, sequence: int = 1) -> PersonRegistered:
        """identity's event about a person."""
        model = PersonRegistered if sequence == 1 else PersonContactChanged
        contact = {"given_name": someone.given_name, "email": someone.email, "phone": None}
        return model(
            person_id=someone.person_id,
            comune="L319",
            household_id=someone.household_id,
            language=someone.language,
            contact_sealed=self.identitys_sealer.seal(json.dumps(contact), f"contact:{someone.person_id}"),
        )

    def knows(self, *people: Someone) -> None:
        """They have registered."""
        for someone in people:
            self.told(self.registered(someone), subject=str(someone.person_id))

    def knows_the_cooperative(self) -> None:
        """It has been published."""
        self.told(ProviderPublished(provider=PROVIDER, name=PROVIDER_NAME, accreditations=[]))

    def delegates(
        self, principal: Someone, delegate: Someone, *powers: str, valid_to: date = date(2999, 12, 31)
    ) -> UUID:
        """`delegate` may act for `principal`; the delegation's id."""
        delegation_id = new_id()
        granted = DelegationGranted(
            delegation_id=delegation_id,
            principal_id=principal.person_id,
            delegate_id=delegate.person_id,
            powers=list(powers),
            valid_to=valid_to,
            comune="L319",
        )
        self.told(granted, subject=str(delegation_id))
        return delegation_id


def booking(
    person: Someone | UUID,
    model: type[BookingEvent] = BookingConfirmed,
    provider: str = PROVIDER,
    **more: Any,
) -> BookingEvent:
    """An event about a visit on 1 December 2026, 09:00 to 10:00 here."""
    if model is BookingCancelled:
        more.setdefault("cancelled_by", "citizen")
    return model(
        booking_id=new_id(),
        person_id=person if isinstance(person, UUID) else person.person_id,
        provider=provider,
        comune="L319",
        starts_at=STARTS_AT,
        ends_at=ENDS_AT,
        with_voucher=True,
        **more,
    )
