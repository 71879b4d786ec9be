"""Something happened that concerns a person: tell her, and those who act for her."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from services.chassis.civil_time import local_day
from services.chassis.clock import Clock
from services.notifications.domain.errors import PersonNotYetKnown
from services.notifications.domain.notice import Facts, Notice
from services.notifications.domain.recipients import by_email, informed_delegates
from services.notifications.persistence import contacts, emails, messages


@dataclass(frozen=True, slots=True)
class Tell:
    """Puts a message into the inbox of everybody concerned and queues one e-mail for each of their
    households.

    Nothing is sent here: that happens later, outside any transaction. Raises PersonNotYetKnown while
    identity's event about one of them has not arrived.
    """

    clock: Clock

    def __call__(
        self, connection: sa.Connection, *, event_id: UUID, person: UUID, notice: Notice, facts: Facts
    ) -> None:
        today = local_day(self.clock.now())
        concerned = contacts.concerned(connection, person, today)
        known = {each.person_id: each.known for each in concerned}
        powers = ((each.person_id, each.powers) for each in concerned if each.person_id != person)
        readers = [person, *informed_delegates(powers)]
        addressed = [recipient for reader in readers if (recipient := known[reader]) is not None]
        if len(addressed) < len(readers):
            raise PersonNotYetKnown
        messages.add_messages(
            connection, event_id=event_id, readers=readers, about=person, notice=notice, facts=facts
        )
        emails.add_emails(
            connection,
            event_id=event_id,
            readers=by_email(addressed[0], addressed[1:]),
            about=person,
            notice=notice,
            facts=facts,
        )
