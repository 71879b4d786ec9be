"""E-mails through a real mail server: neutral, bilingual, once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from services.chassis.ids import new_id
from services.contracts.events.catalogue import BookingCancelled, BookingConfirmed, BookingDelivered
from services.contracts.events.vouchers import VoucherExhausted, VoucherIssued
from services.notifications.application.deliver_email import DeliverEmails, Email
from services.notifications.bootstrap import email_deliverer
from services.notifications.entrypoints.outgoing.mail_server import MailServer
from tests.notifications.support.delivering import AdvancedClock
from tests.notifications.support.mail_sink import MailSink
from tests.notifications.support.world import (
    PROVIDER,
    PROVIDER_NAME,
    Someone,
    World,
    booking,
)

MARIA = Someone("Maria", "maria@example.org")
EMMA = Someone("Emma", "emma@example.org", language="en")
REVEALING = (PROVIDER, PROVIDER_NAME, "domicili", "voucher", "buono", "hours")


class Emails:
    """E-mail deliveries of a world, at a time of the test's choice."""

    def __init__(self, world: World) -> None:
        self.clock = AdvancedClock()
        self.deliverer: DeliverEmails = replace(
            email_deliverer(world.settings, world.database), clock=self.clock
        )

    def turn(self) -> list[str]:
        return [self.deliverer.perform(claimed) for claimed in self.deliverer.claim(100)]


@pytest.fixture
def mailing(make_world: Callable[..., World], sink: MailSink) -> Iterator[tuple[World, Emails]]:
    world = make_world(
        smtp_url=sink.url,
        smtp_timeout_seconds=2.0,
        mail_from="Portale del welfare <noreply@ambito.example>",
        portal_url="https://portale.example",
    )
    world.knows(MARIA, EMMA)
    world.knows_the_cooperative()
    emails = Emails(world)
    yield world, emails
    assert isinstance(emails.deliverer.send, MailServer)
    emails.deliverer.send.close()


def voucher(model: type[Any], person: Someone) -> Any:
    ids = {"voucher_id": new_id(), "person_id": person.person_id, "comune": "L319"}
    if model is VoucherIssued:
        return VoucherIssued(**ids, valid_from=date(2026, 12, 1), valid_to=date(2027, 5, 31))
    return model(**ids)


def test_a_confirmation_says_when_and_where_to_read_more(
    mailing: tuple[World, Emails], sink: MailSink
) -> None:
    world, emails = mailing
    event = booking(MARIA)
    world.told(event)
    assert emails.turn() == ["sent"]
    assert emails.turn() == []
    (message,) = sink.received
    assert sink.envelopes == [["maria@example.org"]]
    assert message["To"] == "maria@example.org"
    assert message["From"] == "Portale del welfare <noreply@ambito.example>"
    assert message["Subject"] == "Aggiornamento su un appuntamento"
    assert message["Content-Language"] == "it"
    assert message["Auto-Submitted"] == "auto-generated"
    text = message.get_content()
    assert text.startswith("Gentile Maria,")
    assert "è stato confermato un appuntamento" in text
    assert "martedì 1º dicembre 2026, ore 09:00" in text
    assert f"Riferimento: {event.booking_id}" in text
    assert "https://portale.example" in text


def test_english_for_those_who_prefer_it(mailing: tuple[World, Emails], sink: MailSink) -> None:
    world, emails = mailing
    world.told(booking(EMMA, BookingCancelled))
    emails.turn()
    (message,) = sink.received
    assert message["Subject"] == "Update on an appointment"
    assert message.get_content().startswith("Dear Emma,\r\n\r\nAn appointment has been cancelled.")
    assert "Tuesday 1 December 2026, 09:00" in message.get_content()


def test_no_email_says_which_service_or_need(mailing: tuple[World, Emails], sink: MailSink) -> None:
    world, emails = mailing
    giulia = Someone("Giulia", "giulia@example.org")
    world.knows(giulia)
    world.delegates(MARIA, giulia, "read")
    for person in (MARIA, EMMA):
        world.told(booking(person, BookingConfirmed))
        world.told(booking(person, BookingCancelled))
        world.told(booking(person, BookingDelivered, delivered_at="2026-12-01T09:01:00Z"))
        world.told(voucher(VoucherIssued, person))
        world.told(voucher(VoucherExhausted, person))
    assert emails.turn() == ["sent"] * 15
    for message in sink.received:
        everything = (message.as_string() + message["Subject"] + message.get_content()).lower()
        for word in REVEALING:
            assert word.lower() not in everything, word
    to_giulia = [message for message in sink.received if message["To"] == "giulia@example.org"]
    assert len(to_giulia) == 5
    for message in to_giulia:
        assert "Maria" not in message.as_string()
        assert "persona di cui si è delegati" in message.get_content()


def test_a_busy_server_is_tried_again_and_the_message_id_stays(
    mailing: tuple[World, Emails], sink: MailSink
) -> None:
    world, emails = mailing
    sink.data_replies += ["451 try later"]
    sink.rcpt_replies += ["450 greylisted"]
    world.told(booking(MARIA))
    assert emails.turn() == ["pending"]
    assert emails.turn() == []
    emails.clock.advance(timedelta(seconds=40))
    assert emails.turn() == ["pending"]
    emails.clock.advance(timedelta(minutes=6))
    assert emails.turn() == ["sent"]
    assert len(sink.received) == 1


def test_emails_follow_one_another_on_one_connection_which_is_made_again_when_it_is_gone(
    mailing: tuple[World, Emails], sink: MailSink
) -> None:
    world, emails = mailing
    world.told(booking(MARIA))
    world.told(booking(EMMA))
    assert emails.turn() == ["sent", "sent"]
    assert sink.connections == 1
    sink.stop()
    sink.start()
    world.told(booking(MARIA))
    assert emails.turn() == ["sent"]
    assert (len(sink.received), sink.connections) == (3, 2)


def test_a_server_that_is_away_is_tried_again(make_world: Callable[..., World]) -> None:
    world = make_world(smtp_url="smtp://127.0.0.1:9", smtp_timeout_seconds=1.0)
    world.knows(MARIA)
    world.told(booking(MARIA))
    assert Emails(world).turn() == ["pending"]
    assert world.scalar("SELECT last_error FROM email") == "ConnectionRefusedError"


def test_a_refused_recipient_is_final_and_not_named(mailing: tuple[World, Emails], sink: MailSink) -> None:
    world, emails = mailing
    sink.rcpt_replies.append("550 maria@example.org unknown")
    world.told(booking(MARIA))
    assert emails.turn() == ["failed"]
    assert world.rows("SELECT state, last_error FROM email") == [("failed", "recipient refused: 550")]
    emails.clock.advance(timedelta(days=3))
    assert emails.turn() == []


def test_it_gives_up_in_the_end(mailing: tuple[World, Emails], sink: MailSink) -> None:
    world, emails = mailing
    sink.data_replies += ["451 try later"] * 20
    world.told(booking(MARIA))
    states = emails.turn()
    while states[-1] == "pending":
        emails.clock.advance(timedelta(hours=27))
        states += emails.turn()
    assert states == ["pending"] * 6 + ["failed"]


def test_the_address_is_the_one_that_is_known_when_it_is_sent(
    mailing: tuple[World, Emails], sink: MailSink
) -> None:
    world, emails = mailing
    world.told(booking(MARIA))
    moved = replace(MARIA, email="new@example.org")
    world.told(world.registered(moved, sequence=2), subject=str(MARIA.person_id), sequence=2)
    emails.turn()
    assert sink.envelopes == [["new@example.org"]]


@pytest.mark.parametrize("address", [None, "not an address", "a@b.example\nBcc: c@d.example"])
def test_without_a_usable_address_nothing_is_sent(
    mailing: tuple[World, Emails], sink: MailSink, address: str | None
) -> None:
    world, emails = mailing
    world.told(booking(MARIA))
    changed = world.registered(replace(MARIA, email=address), sequence=2)
    world.told(changed, subject=str(MARIA.person_id), sequence=2)
    assert emails.turn() == ["failed"]
    assert sink.received == []


def test_what_waited_for_others_until_half_its_lease_was_over_is_given_back_uncounted(
    mailing: tuple[World, Emails], sink: MailSink
) -> None:
    world, emails = mailing
    world.told(booking(MARIA))
    world.told(booking(EMMA))
    first, second = emails.deliverer.claim(10)
    assert emails.deliverer.perform(first) == "sent"
    emails.clock.advance(emails.deliverer.lease / 2 + timedelta(seconds=1))
    assert emails.deliverer.perform(second) == "pending"
    assert len(sink.received) == 1
    (again,) = emails.deliverer.claim(10)
    assert (again.id, again.attempts) == (second.id, 1)
    assert emails.deliverer.perform(second) == "pending", "it is no longer its own, and stays the other's"
    assert emails.deliverer.claim(10) == []
    assert emails.deliverer.perform(again) == "sent"


def test_a_crash_after_sending_sends_again_with_the_same_message_id(
    mailing: tuple[World, Emails], sink: MailSink
) -> None:
    world, emails = mailing

    class Crash(Exception):
        pass

    def send_and_crash(email: Email) -> None:
        emails.deliverer.send(email)
        raise Crash

    crashing = replace(emails.deliverer, send=send_and_crash)
    world.told(booking(MARIA))
    world.told(booking(EMMA))
    for claimed in crashing.claim(10):
        with pytest.raises(Crash):
            crashing.perform(claimed)
    assert emails.turn() == []
    emails.clock.advance(emails.deliverer.lease + timedelta(seconds=1))
    assert emails.turn() == ["sent", "sent"]
    by_reader: dict[str, set[str]] = {}
    for message in sink.received:
        by_reader.setdefault(message["To"], set()).add(message["Message-ID"])
    assert len(sink.received) == 4
    assert [len(ids) for ids in by_reader.values()] == [1, 1]
    assert set.intersection(*by_reader.values()) == set()
