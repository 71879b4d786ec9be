"""E-mails: claim those that are due, send one outside any transaction, record what came of it."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid5

from services.chassis import crash_points, tracing
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.ids import new_id
from services.chassis.logs import get_logger
from services.chassis.refusal import Language
from services.chassis.sealing import SealBroken
from services.notifications.application.attempting import record_before
from services.notifications.application.contact import ContactSeals, language_of
from services.notifications.domain.retry import EMAIL_DELAYS, delay_after
from services.notifications.domain.wording import email_text, subject
from services.notifications.persistence import emails
from services.notifications.persistence.emails import ClaimedEmail

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Email:
    """An e-mail ready to be sent."""

    message_id: str
    """`<…@domain>`, the same for every attempt."""
    to: str
    subject: str
    text: str
    language: Language


class NotSent(Exception):
    """The server did not take the e-mail; `reason` carries no personal data. `for_good`: trying again is no
    use.
    """

    def __init__(self, reason: str, *, for_good: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.for_good = for_good


SendEmail = Callable[[Email], None]
"""Hands an e-mail to the mail server. Raises NotSent."""


@dataclass(frozen=True, slots=True)
class DeliverEmails:
    """Sends queued e-mails. A crash between sending and recording sends again, with the same Message-ID."""

    database: Database
    seals: ContactSeals
    send: SendEmail
    clock: Clock
    lease: timedelta
    portal: str
    domain: str
    """Right-hand side of Message-IDs."""

    def claim(self, limit: int) -> list[ClaimedEmail]:
        """At most `limit` e-mails that are due, for this process alone until their lease ends."""
        now = self.clock.now()
        with self.database.statement() as place:
            return emails.claim_emails(place, limit, lease=new_id(), now=now, until=now + self.lease)

    def perform(self, claimed: ClaimedEmail) -> str:
        """One attempt. Returns `sent`, `failed` or `pending`: the e-mail's state after it.

        None is made, nor counted, if the mail server was so slow with those before that half of the lease is
        over: it must not end while the e-mail is sent.
        """
        if self.clock.now() > claimed.leased_until - self.lease / 2:
            with self.database.statement() as place:
                emails.give_back(place, claimed)
            return "pending"
        with tracing.start_from(claimed.traceparent, name="e-mail", kind=tracing.SpanKind.CLIENT) as span:
            state = self._perform(claimed)
            if state != "sent":
                tracing.mark_failed(span, state)
            return state

    def _perform(self, claimed: ClaimedEmail) -> str:
        failure: NotSent | None = None
        try:
            self.send(self._written(claimed))
        except NotSent as refused:
            failure = refused
        crash_points.crash_point(crash_points.EMAIL)
        state = "sent"
        again = None
        if failure is not None:
            again = None if failure.for_good else delay_after(claimed.attempts, EMAIL_DELAYS, random.random())  # noqa: S311 - spread
            state = "failed" if again is None else "pending"
        error = None if failure is None else failure.reason

        def record() -> None:
            now = self.clock.now()
            with self.database.statement() as place:
                if again is None:
                    emails.finish_email(place, claimed, state=state, error=error, now=now)
                else:
                    emails.postpone_email(place, claimed, until=now + again, error=error or "")

        record_before(claimed.leased_until, self.clock, record)
        _log.info(
            "email attempted", email_id=str(claimed.id), attempt=claimed.attempts, state=state, error=error
        )
        return state

    def _written(self, claimed: ClaimedEmail) -> Email:
        try:
            contact = self.seals.open(claimed.contact, claimed.reader_id)
        except SealBroken as error:  # a key is missing, which somebody can still put right
            raise NotSent("contact does not open") from error
        if not contact.email:
            raise NotSent("no address any more", for_good=True)
        language = language_of(claimed.language)
        return Email(
            message_id=message_id(claimed.event_id, claimed.household_id, self.domain),
            to=contact.email,
            subject=subject(claimed.notice, language),
            text=email_text(
                claimed.notice,
                claimed.facts,
                language,
                name=contact.given_name,
                about_somebody_else=claimed.reader_id != claimed.about_id,
                portal=self.portal,
            ),
            language=language,
        )


def message_id(event_id: UUID, household_id: UUID, domain: str) -> str:
    """The same for every attempt, and different for every other event or household."""
    return f"<{uuid5(event_id, str(household_id))}@{domain}>"
