"""Who is told of what: inboxes and queued e-mails."""

from datetime import date
from uuid import UUID

import pytest

from services.chassis.clock import SystemClock
from services.chassis.ids import new_id
from services.chassis.messaging.processing import Outcome
from services.contracts.events.catalogue import BookingCancelled, BookingConfirmed, BookingDelivered
from services.contracts.events.identity import DelegationRevoked
from services.contracts.events.vouchers import VoucherExhausted, VoucherIssued
from services.notifications.application.news_of_bookings import news_of_booking
from services.notifications.application.tell import Tell
from tests.notifications.support.world import Someone, World, booking

MARIA = Someone("Maria", "maria@example.org")
GIULIA = Someone("Giulia", "giulia@example.org", MARIA.household_id)  # daughter, same household
PAOLO = Someone("Paolo", "paolo@example.org")  # son, elsewhere
PAOLA = Someone("Paola", "paola@example.org", PAOLO.household_id)  # his wife


def inboxes(world: World) -> set[UUID]:
    return {row.reader_id for row in world.rows("SELECT reader_id FROM message")}


def emails(world: World) -> list[UUID]:
    return [row.reader_id for row in world.rows("SELECT reader_id FROM email ORDER BY id")]


def test_news_of_several_told_at_once_each_reaches_those_whom_it_concerns(world: World) -> None:
    world.knows(MARIA, GIULIA, PAOLO, PAOLA)
    world.delegates(MARIA, GIULIA, "read")
    world.delegates(PAOLO, MARIA, "read")
    about = {new_id(): booking(person) for person in (MARIA, PAOLO, PAOLA, MARIA)}
    with world.database.transaction() as connection:
        Tell(SystemClock())(connection, [news_of_booking(number, told) for number, told in about.items()])
    both = {(MARIA.person_id, MARIA.person_id), (GIULIA.person_id, MARIA.person_id)}
    expected = [
        both,
        {(PAOLO.person_id, PAOLO.person_id), (MARIA.person_id, PAOLO.person_id)},
        {(PAOLA.person_id, PAOLA.person_id)},
        both,
    ]
    for table, whom in (
        ("message", expected),
        ("email", [{*pairs} - {(GIULIA.person_id, MARIA.person_id)} for pairs in expected]),
    ):
        rows = world.rows(f"SELECT event_id, reader_id, about_id, facts FROM {table}")  # noqa: S608 - ours
        found = [
            {(row.reader_id, row.about_id) for row in rows if row.event_id == number} for number in about
        ]
        assert found == whom
        for row in rows:
            assert row.facts["reference"] == str(about[row.event_id].booking_id)


@pytest.mark.parametrize("model", [BookingConfirmed, BookingCancelled, BookingDelivered])
def test_a_booking_is_told_in_the_inbox_and_by_email(world: World, model: type) -> None:
    world.knows(MARIA)
    more = {"delivered_at": "2026-12-01T09:01:00Z"} if model is BookingDelivered else {}
    world.told(booking(MARIA, model, **more))
    assert inboxes(world) == {MARIA.person_id}
    assert emails(world) == [MARIA.person_id]


def test_the_same_event_twice_is_one_message_and_one_email(world: World) -> None:
    world.knows(MARIA)
    event, event_id = booking(MARIA), new_id()
    for _ in range(3):
        world.told(event, event_id=event_id)
    assert len(world.rows("SELECT 1 FROM message")) == 1
    assert len(emails(world)) == 1


def test_the_same_event_twice_is_one_message_even_without_the_inbox_row(world: World) -> None:
    world.knows(MARIA)
    event, event_id = booking(MARIA), new_id()
    world.told(event, event_id=event_id)
    world.change("DELETE FROM inbox")
    world.told(event, event_id=event_id)
    assert len(world.rows("SELECT 1 FROM message")) == 1
    assert len(emails(world)) == 1


def test_delegates_who_may_read_or_book_are_told_and_others_are_not(world: World) -> None:
    reads, books, chooses, expired, revoked = (Someone(name, f"{name}@example.org") for name in "abcde")
    world.knows(MARIA, reads, books, chooses, expired, revoked)
    world.delegates(MARIA, reads, "read")
    world.delegates(MARIA, books, "book", "choose_provider")
    world.delegates(MARIA, chooses, "choose_provider")
    world.delegates(MARIA, expired, "read", valid_to=date(2026, 1, 1))
    ended = world.delegates(MARIA, revoked, "read")
    world.told(
        DelegationRevoked(
            delegation_id=ended, principal_id=MARIA.person_id, delegate_id=revoked.person_id, comune="L319"
        ),
        subject=str(ended),
        sequence=2,
    )
    world.told(booking(MARIA))
    assert inboxes(world) == {MARIA.person_id, reads.person_id, books.person_id}
    assert set(emails(world)) == {MARIA.person_id, reads.person_id, books.person_id}


def test_a_household_gets_one_email_and_another_household_its_own(world: World) -> None:
    world.knows(MARIA, GIULIA, PAOLO, PAOLA)
    for delegate in (GIULIA, PAOLO, PAOLA):
        world.delegates(MARIA, delegate, "read", "book")
    world.told(booking(MARIA))
    assert inboxes(world) == {someone.person_id for someone in (MARIA, GIULIA, PAOLO, PAOLA)}
    assert emails(world) == [MARIA.person_id, PAOLO.person_id]


def test_a_delegate_of_the_household_gets_the_email_of_one_without_address(world: World) -> None:
    anna = Someone("Anna", None, MARIA.household_id)
    world.knows(anna, GIULIA)
    world.delegates(anna, GIULIA, "read")
    world.told(booking(anna))
    assert emails(world) == [GIULIA.person_id]


def test_nobody_with_an_address_means_no_email(world: World) -> None:
    anna = Someone("Anna", None)
    world.knows(anna)
    world.told(booking(anna))
    assert inboxes(world) == {anna.person_id}
    assert emails(world) == []


def test_an_event_about_somebody_not_known_yet_waits_and_the_feed_does_not(world: World) -> None:
    event, event_id = booking(MARIA), new_id()
    verdict = world.receive(event, event_id=event_id)
    assert verdict.outcome is Outcome.AGAIN
    assert "person-not-yet-known" in verdict.reason
    assert world.scalar("SELECT count(*) FROM feed_event") == 1
    assert inboxes(world) == set()
    world.knows(MARIA)
    world.told(event, event_id=event_id)
    assert inboxes(world) == {MARIA.person_id}
    assert world.scalar("SELECT count(*) FROM feed_event") == 1


def test_vouchers_are_told_and_stay_out_of_the_feed(world: World) -> None:
    world.knows(MARIA)
    voucher = {"voucher_id": new_id(), "person_id": MARIA.person_id, "comune": "L319"}
    world.told(VoucherIssued(**voucher, valid_from=date(2026, 12, 1), valid_to=date(2027, 5, 31)))
    world.told(VoucherExhausted(**voucher))
    notices = [row.notice for row in world.rows("SELECT notice FROM message ORDER BY id")]
    assert notices == ["voucher-issued", "voucher-exhausted"]
    assert world.scalar("SELECT count(*) FROM feed_event") == 0
