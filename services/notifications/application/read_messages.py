"""The inbox: listing messages, and marking one as read. Texts are written now, in the reader's language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa

from services.chassis.caller import Caller
from services.chassis.civil_time import local_day
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.refusal import Language, NotFound
from services.notifications.application.contact import ContactSeals, language_of
from services.notifications.application.may import reads_for, require_reader_of
from services.notifications.domain.wording import inbox_text, subject
from services.notifications.persistence import contacts, messages, names
from services.notifications.persistence.messages import StoredMessage


@dataclass(frozen=True, slots=True)
class ReadableMessage:
    """A message in words. `person_id` is whose inbox it is in."""

    id: UUID
    person_id: UUID
    subject: str
    body: str
    event_id: UUID
    created_at: datetime
    is_read: bool


@dataclass(frozen=True, slots=True)
class ReadMessages:
    """Both operations on inboxes."""

    database: Database
    seals: ContactSeals
    clock: Clock

    def list(
        self, caller: Caller, person: UUID, *, language: Language | None, before: UUID | None, limit: int
    ) -> tuple[Sequence[ReadableMessage], UUID | None]:
        """The newest messages of the person's inbox, and the cursor to go on with (None: no more).

        `language` None: the person's own. Raises Unauthenticated or Forbidden.
        """
        require_reader_of(caller, person)
        with self.database.read() as connection:
            found = messages.list_messages(
                connection, person, before=before, limit=limit + 1, today=self._today()
            )
            page = found[:limit]
            readable = self._in_words(connection, page, person, language)
        return readable, page[-1].id if len(found) > limit else None

    def mark_read(self, caller: Caller, message_id: UUID) -> ReadableMessage:
        """Marks the message as read, once, and returns it. Raises Unauthenticated, NotFound."""
        caller.require_known()
        with self.database.transaction() as connection:
            found = messages.find_message(connection, message_id, today=self._today())
            if found is None or not reads_for(caller, found.reader_id):
                raise NotFound(what="message", field="message_id")
            messages.mark_read(connection, message_id)
            found = messages.find_message(connection, message_id, today=self._today()) or found
            return self._in_words(connection, [found], found.reader_id, None)[0]

    def _today(self) -> date:
        return local_day(self.clock.now())

    def _in_words(
        self,
        connection: sa.Connection,
        page: Sequence[StoredMessage],
        reader: UUID,
        language: Language | None,
    ) -> Sequence[ReadableMessage]:
        people = contacts.find_recipients(connection, {reader, *(message.about_id for message in page)})
        if language is None:
            language = language_of(people[reader].language if reader in people else "")
        providers = names.provider_names(connection, {m.facts.provider for m in page if m.facts.provider})
        given_names = {
            person: self.seals.open(row.contact, person).given_name
            for person, row in people.items()
            if person != reader
        }
        return [
            ReadableMessage(
                id=message.id,
                person_id=message.reader_id,
                subject=subject(message.notice, language),
                body=inbox_text(
                    message.notice,
                    message.facts,
                    language,
                    providers.get(message.facts.provider or ""),
                    given_names.get(message.about_id),
                ),
                event_id=message.event_id,
                created_at=message.created_at,
                is_read=message.is_read,
            )
            for message in page
        ]
