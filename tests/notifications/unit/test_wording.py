"""The texts: in both languages, at local time, and silent outside the portal."""

from datetime import UTC, date, datetime
from typing import get_args

import pytest

from services.chassis.refusal import Language
from services.notifications.domain.local_time import day_in_words, time_of_day, weekday_in_words
from services.notifications.domain.notice import Facts, Notice
from services.notifications.domain.wording import email_text, inbox_text, subject

FACTS = Facts(
    reference="01929b6e-7a8b-7c3d-9e4f-5a6b7c8d9e40",
    provider="cooperativa-aurora",
    starts_at=datetime(2026, 12, 1, 8, 0, tzinfo=UTC),
    ends_at=datetime(2026, 12, 1, 9, 30, tzinfo=UTC),
    cancelled_by="provider",
    valid_from=date(2026, 12, 1),
    valid_to=date(2027, 5, 31),
)
PROVIDER_NAME = "Cooperativa Aurora"


@pytest.mark.parametrize("language", get_args(Language))
@pytest.mark.parametrize("notice", Notice)
def test_outside_the_portal_nothing_says_what_it_is_for(notice: Notice, language: Language) -> None:
    text = subject(notice, language) + email_text(
        notice, FACTS, language, name="Maria", about_somebody_else=True, portal="https://portale.example"
    )
    for word in ("aurora", "buono", "voucher", "cooperativ"):
        assert word not in text.lower()
    assert "{" not in text
    assert FACTS.reference in text


@pytest.mark.parametrize("language", get_args(Language))
@pytest.mark.parametrize("notice", Notice)
def test_the_portal_says_with_whom_and_for_whom(notice: Notice, language: Language) -> None:
    text = inbox_text(notice, FACTS, language, PROVIDER_NAME, "Maria")
    assert "{" not in text
    assert "Maria" in text
    assert (PROVIDER_NAME in text) == notice.is_about_a_booking
    assert not inbox_text(notice, FACTS, language, PROVIDER_NAME, None).startswith(("Per ", "For "))


def test_an_email_about_no_booking_says_no_time() -> None:
    text = email_text(
        Notice.VOUCHER_ISSUED,
        FACTS,
        "it",
        name="Maria",
        about_somebody_else=False,
        portal="https://p.example",
    )
    assert "dicembre" not in text


@pytest.mark.parametrize(
    ("instant", "time"),
    [
        (datetime(2026, 3, 29, 0, 30, tzinfo=UTC), "01:30"),  # the night when 2 becomes 3
        (datetime(2026, 3, 29, 1, 30, tzinfo=UTC), "03:30"),
        (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "02:30"),  # the night when 3 becomes 2
        (datetime(2026, 10, 25, 1, 30, tzinfo=UTC), "02:30"),
    ],
)
def test_times_are_local_on_both_nights_of_change(instant: datetime, time: str) -> None:
    assert time_of_day(instant) == time


def test_days_are_local() -> None:
    assert weekday_in_words(datetime(2026, 12, 31, 23, 30, tzinfo=UTC), "it") == "venerdì 1º gennaio 2027"
    assert weekday_in_words(datetime(2026, 12, 31, 23, 30, tzinfo=UTC), "en") == "Friday 1 January 2027"
    assert day_in_words(date(2026, 5, 2), "it") == "2 maggio 2026"


@pytest.mark.parametrize("facts", [FACTS, Facts(reference="x")])
def test_facts_survive_being_stored(facts: Facts) -> None:
    assert Facts.from_json(facts.to_json()) == facts
