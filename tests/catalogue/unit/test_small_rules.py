"""Rules that fit into a few lines each."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.catalogue.domain.accreditation import WITHOUT_END, Accreditation, Standing, changed
from services.catalogue.domain.calendar import Calendar
from services.catalogue.domain.delivery_code import delivery_code, is_delivery_code
from services.catalogue.domain.neutrality import seed_period, shown_order
from services.catalogue.domain.notice import cancellable_until
from services.catalogue.domain.pricing import visit_price
from services.catalogue.domain.refusals import KeptRefusal, SlotFull, kept
from services.catalogue.domain.spelling import distance, is_one_slip_away, words
from services.catalogue.persistence.national_holidays import is_national_holiday
from services.chassis.ids import new_id
from services.chassis.refusal import Refusal
from tests.catalogue.world import ROME, SECRET

HOURS_24 = timedelta(hours=24)
ITALY = Calendar(is_national_holiday=is_national_holiday, patrons={"L319": (10, 7)})


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ROME).astimezone(UTC)


@pytest.mark.parametrize(
    ("visit", "until"),
    [
        ("2026-12-02T09:00", "2026-12-01T09:00"),  # Wednesday: Tuesday
        ("2026-11-30T09:00", "2026-11-28T09:00"),  # Monday: Sunday does not count
        ("2026-12-09T09:00", "2026-12-07T09:00"),  # after the Immacolata
        ("2026-12-28T10:00", "2026-12-24T10:00"),  # Monday: Sunday, St Stephen and Christmas do not count
        ("2026-10-08T09:00", "2026-10-06T09:00"),  # after the patron's day
        ("2026-10-26T09:00", "2026-10-24T09:00"),  # Sunday, when clocks change, does not count
        ("2027-03-30T09:00", "2027-03-27T09:00"),  # Easter Monday and the Sunday of the change before it
    ],
)
def test_notice_counts_working_time_only(visit: str, until: str) -> None:
    def free(day: date) -> bool:
        return ITALY.is_free_day(day, "L319")

    assert cancellable_until(local(visit), HOURS_24, ROME, free) == local(until)


def test_notice_in_real_hours_when_every_day_counts() -> None:
    visit = local("2026-10-25T12:00")  # this day has 25 hours
    assert cancellable_until(visit, HOURS_24, ROME, lambda day: False) == visit - HOURS_24
    assert cancellable_until(visit, timedelta(0), ROME, lambda day: True) == visit


@given(days=st.sets(st.integers(0, 30)), hours=st.integers(0, 200))
def test_the_notice_lies_wholly_in_time_that_counts(days: set[int], hours: int) -> None:
    visit = local("2026-11-20T09:30")

    def free(day: date) -> bool:
        return (visit.date() - day).days in days

    until = cancellable_until(visit, timedelta(hours=hours), ROME, free)
    counted, instant = timedelta(0), until
    while instant < visit:
        step = min(timedelta(minutes=30), visit - instant)
        if not free(instant.astimezone(ROME).date()):
            counted += step
        instant += step
    assert counted == timedelta(hours=hours)


def test_delivery_codes() -> None:
    booking = new_id()
    code = delivery_code(SECRET, booking)
    assert len(code) == 6
    assert code.isdigit()
    assert code == delivery_code(SECRET, booking)
    assert is_delivery_code(code, SECRET, booking)
    assert not is_delivery_code("é" + code[1:], SECRET, booking)
    assert delivery_code(bytes(32), booking) != code
    assert len({delivery_code(SECRET, new_id()) for _ in range(100)}) > 90


def test_the_order_follows_from_the_seed_by_a_rule_anybody_can_follow() -> None:
    offerings = ["sad-aurora", "sad-brezza", "sad-corallo"]
    order = shown_order("0f", offerings)
    assert order == sorted(offerings, key=lambda o: hashlib.sha256(f"0f:{o}".encode()).hexdigest())
    assert shown_order("0f", reversed(offerings)) == order


def test_nobody_comes_first_more_often() -> None:
    offerings = [f"coop-{letter}" for letter in "abcde"]
    first = Counter(shown_order(str(seed), offerings)[0] for seed in range(5_000))
    assert all(900 < first[offering] < 1_100 for offering in offerings)


def test_a_seed_s_period_is_its_hour() -> None:
    assert seed_period(datetime(2026, 11, 23, 10, 59, 59, 999, UTC)) == datetime(2026, 11, 23, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cents", "per_hour", "minutes", "price"),
    [
        (2250, False, 45, 2250),
        (2250, True, 60, 2250),
        (2250, True, 45, 1688),
        (2000, True, 20, 667),
        (0, True, 45, 0),
    ],
)
def test_prices_of_visits(cents: int, per_hour: bool, minutes: int, price: int) -> None:
    assert visit_price(cents, per_hour=per_hour, minutes=minutes) == price


def test_words() -> None:
    assert words("L'attività è GRATUITA: attività!") == ["l", "attivita", "e", "gratuita"]
    assert words(" …!? ") == []


@pytest.mark.parametrize(
    ("first", "second", "slips"),
    [
        ("pasti", "pasti", 0),
        ("psati", "pasti", 1),
        ("pasi", "pasti", 1),
        ("passti", "pasti", 1),
        ("posti", "pasti", 1),
        ("badnte", "badante", 1),
        ("abc", "cab", 2),
        ("", "ab", 2),
    ],
)
def test_distance_of_words(first: str, second: str, slips: int) -> None:
    assert distance(first, second) == distance(second, first) == slips


def test_short_words_must_be_right_and_long_ones_may_have_two_slips() -> None:
    assert not is_one_slip_away("sad", "sab")
    assert is_one_slip_away("asilo", "asili")
    assert not is_one_slip_away("azuro", "azzurro")
    assert is_one_slip_away("fisoterapa", "fisioterapia")


def entry(first: str, last: str, state: Standing = Standing.ACCREDITED) -> Accreditation:
    return Accreditation(
        provider="aurora",
        section="anziani",
        state=state,
        valid_from=date.fromisoformat(first),
        valid_to=date.fromisoformat(last),
    )


def change(entries: list[Accreditation], state: Standing, first: str = "", last: str = "") -> Any:
    return changed(
        entries,
        provider="aurora",
        section="anziani",
        state=state,
        valid_from=date.fromisoformat(first) if first else None,
        valid_to=date.fromisoformat(last) if last else None,
    )


OLD, PRESENT = entry("2023-01-01", "2025-12-31"), entry("2026-01-01", "2027-12-31")


def test_suspending_and_resuming_keeps_the_days() -> None:
    old, suspended = change([OLD, PRESENT], Standing.SUSPENDED)
    assert (old, suspended) == (PRESENT, entry("2026-01-01", "2027-12-31", Standing.SUSPENDED))
    assert change([OLD, suspended], Standing.ACCREDITED) == (suspended, PRESENT)
    assert not suspended.allows_visit_on(date(2026, 6, 1))


def test_granting_anew() -> None:
    assert change([], Standing.ACCREDITED, "2026-05-01") == (
        None,
        entry("2026-05-01", WITHOUT_END.isoformat()),
    )
    assert change([PRESENT], Standing.ACCREDITED, "2028-01-01", "2028-12-31") == (
        None,
        entry("2028-01-01", "2028-12-31"),
    )
    assert change([PRESENT], Standing.ACCREDITED, "2026-06-01", "2028-12-31") == (
        PRESENT,
        entry("2026-06-01", "2028-12-31"),
    )


@pytest.mark.parametrize(
    ("entries", "wanted", "refused"),
    [
        ([], (Standing.SUSPENDED, "", ""), ("accreditation-missing", "section")),
        ([], (Standing.ACCREDITED, "", ""), ("invalid-field", "valid_from")),
        ([PRESENT], (Standing.ACCREDITED, "2026-05-02", "2026-05-01"), ("invalid-field", "valid_to")),
        ([OLD, PRESENT], (Standing.ACCREDITED, "2025-12-31", ""), ("invalid-field", "valid_from")),
        ([PRESENT], (Standing.REVOKED, "2030-01-01", ""), ("accreditation-missing", "section")),
    ],
)
def test_impossible_changes(
    entries: list[Accreditation], wanted: tuple[Standing, str, str], refused: tuple[str, str]
) -> None:
    with pytest.raises(Refusal) as caught:
        change(entries, *wanted)
    assert (caught.value.type, caught.value.field) == refused


@given(st.dates(date(2022, 1, 1), date(2029, 1, 1)))
def test_validity_includes_both_days(day: date) -> None:
    assert PRESENT.allows_visit_on(day) is (date(2026, 1, 1) <= day <= date(2027, 12, 31))


def test_a_kept_refusal_says_the_same() -> None:
    said = SlotFull(field="slot_id", retry_after_seconds=3, alternatives="{a}")
    again = KeptRefusal(kept(said))
    for language in ("it", "en"):
        assert again.message(language) == said.message(language)
    assert (again.kind, again.type, again.field, again.retry_after_seconds, again.facts) == (
        said.kind, said.type, said.field, said.retry_after_seconds, said.facts,
    )  # fmt: skip
