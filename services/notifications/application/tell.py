"""Something happened that concerns people: tell them, and those who act for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from services.chassis.civil_time import local_day
from services.chassis.clock import Clock
from services.notifications.domain.errors import PersonNotYetKnown
from services.notifications.domain.notice import News
from services.notifications.domain.recipients import Recipient, by_email, informed_delegates
from services.notifications.persistence import contacts, emails, messages
from services.notifications.persistence.contacts import Concerned


@dataclass(frozen=True, slots=True)
class Tell:
    """Puts a message into the inbox of everybody concerned and queues one e-mail for each of their
    households.

    Nothing is sent here: that happens later, outside any transaction. Raises PersonNotYetKnown while
    identity's event about one of them has not arrived.
    """

    clock: Clock

    def __call__(self, connection: sa.Connection, all_news: Sequence[News]) -> None:
        concerned = contacts.concerned(
            connection, {news.person for news in all_news}, local_day(self.clock.now())
        )
        told = [(news, _readers(concerned[news.person])) for news in all_news]
        messages.add_messages(
            connection, [(news, reader.person_id) for news, readers in told for reader in readers]
        )
        emails.add_emails(
            connection, [(news, reader) for news, readers in told for reader in by_email(readers)]
        )


def _readers(concerned: Sequence[Concerned]) -> list[Recipient]:
    """The person herself, then the delegates who are told."""
    person = concerned[0].person_id
    known = {each.person_id: each.known for each in concerned}
    powers = ((each.person_id, each.powers) for each in concerned if each.person_id != person)
    readers = [known[reader] for reader in (person, *informed_delegates(powers))]
    found = [reader for reader in readers if reader is not None]
    if len(found) < len(readers):
        raise PersonNotYetKnown
    return found
