"""Periods, local days, commitments, accreditation, incompatibility."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.civil_time import ROME, local_day
from services.vouchers.domain.accreditation import Accreditation, is_accredited
from services.vouchers.domain.commitment import Unit, committed_cents
from services.vouchers.domain.measures import Measure, Rule, cited_rule, refuse_incompatible
from services.vouchers.domain.period import Period, calendar_year
from services.vouchers.domain.refusals import IncompatibleMeasures


class TestLocalDay:
    @pytest.mark.parametrize(
        ("instant", "day"),
        [
            ("2026-03-28T22:59:59Z", "2026-03-28"),  # winter: midnight is at 23:00 UTC
            ("2026-03-28T23:00:00Z", "2026-03-29"),  # the night that has no 02:30
            ("2026-03-29T00:59:59Z", "2026-03-29"),
            ("2026-03-29T01:00:00Z", "2026-03-29"),
            ("2026-03-29T21:59:59Z", "2026-03-29"),  # summer: midnight is at 22:00 UTC
            ("2026-03-29T22:00:00Z", "2026-03-30"),
            ("2026-10-24T21:59:59Z", "2026-10-24"),
            ("2026-10-24T22:00:00Z", "2026-10-25"),  # the night that has two 02:30
            ("2026-10-25T22:59:59Z", "2026-10-25"),  # this day lasts 25 hours
            ("2026-10-25T23:00:00Z", "2026-10-26"),
        ],
    )
    def test_begins_at_local_midnight(self, instant: str, day: str) -> None:
        assert local_day(datetime.fromisoformat(instant)) == date.fromisoformat(day)

    def test_needs_to_know_where_the_clock_stands(self) -> None:
        with pytest.raises(ValueError, match="aware"):
            local_day(datetime(2026, 3, 2))  # noqa: DTZ001 - the point

    @given(st.integers(1_577_836_800, 2_208_988_800).map(lambda second: datetime.fromtimestamp(second, UTC)))
    def test_is_the_wall_calendars(self, instant: datetime) -> None:
        midnight = datetime.combine(local_day(instant), datetime.min.time(), ROME)
        assert midnight <= instant.astimezone(ROME)
        assert instant.astimezone(ROME).replace(tzinfo=None) < midnight.replace(tzinfo=None) + timedelta(
            days=1
        )


class TestPeriod:
    MARCH = Period(date(2026, 3, 1), date(2026, 3, 31))

    @pytest.mark.parametrize(
        ("day", "inside"),
        [("2026-02-28", False), ("2026-03-01", True), ("2026-03-31", True), ("2026-04-01", False)],
    )
    def test_both_ends_belong_to_it(self, day: str, inside: bool) -> None:
        assert (date.fromisoformat(day) in self.MARCH) is inside

    def test_overlap_of_one_day(self) -> None:
        assert self.MARCH.overlaps(Period(date(2026, 3, 31), None))
        assert not self.MARCH.overlaps(Period(date(2026, 4, 1), None))
        assert Period(date(2026, 3, 31), None).overlaps(self.MARCH)

    def test_lies_within(self) -> None:
        assert self.MARCH.lies_within(calendar_year(2026))
        assert self.MARCH.lies_within(self.MARCH)
        assert not Period(date(2026, 3, 1), None).lies_within(calendar_year(2026))
        assert not Period(date(2025, 12, 31), date(2026, 1, 1)).lies_within(calendar_year(2026))

    def test_does_not_end_before_it_begins(self) -> None:
        with pytest.raises(ValueError, match="before"):
            Period(date(2026, 3, 2), date(2026, 3, 1))


class TestCommitment:
    def test_minutes_are_rounded_up_to_the_cent(self) -> None:
        assert committed_cents(1200, Unit.MINUTES, price_cents=2200, duration_minutes=60) == 44_000
        assert committed_cents(1, Unit.MINUTES, price_cents=2200, duration_minutes=60) == 37
        assert committed_cents(5000, Unit.CENTS, price_cents=2200, duration_minutes=60) == 5000

    @given(st.integers(1, 10**7), st.integers(0, 10**6), st.integers(1, 1440))
    def test_never_falls_short_and_never_by_a_cent_too_much(
        self, minutes: int, price: int, duration: int
    ) -> None:
        cents = committed_cents(minutes, Unit.MINUTES, price_cents=price, duration_minutes=duration)
        assert 0 <= cents * duration - minutes * price < duration


class TestAccreditation:
    HELD = (
        Accreditation("anziani", "accredited", Period(date(2026, 1, 1), date(2026, 6, 30))),
        Accreditation("anziani", "suspended", Period(date(2026, 7, 1), date(2026, 12, 31))),
    )

    @pytest.mark.parametrize(
        ("section", "day", "allowed"),
        [
            ("anziani", "2025-12-31", False),
            ("anziani", "2026-01-01", True),
            ("anziani", "2026-06-30", True),
            ("anziani", "2026-07-01", False),
            ("minori", "2026-03-01", False),
            ("", "2026-07-01", True),
        ],
    )
    def test_is_for_a_section_on_a_day(self, section: str, day: str, allowed: bool) -> None:
        assert is_accredited(self.HELD, section, date.fromisoformat(day)) is allowed


def measure(slug: str, *rules: tuple[str, str], excludes: frozenset[str] = frozenset()) -> Measure:
    return Measure(
        slug,
        slug.replace("-", " "),
        slug.replace("-", " "),
        "fondo",
        Unit.MINUTES,
        frozenset({"anziani"}),
        Period(date(2026, 1, 1), None),
        excludes,
        tuple(Rule(text, text, source) for text, source in rules),
    )


class TestIncompatibility:
    SAD = measure("sad", ("Su progetto.", "art. 1"))
    B1 = measure("misura-b1", ("Solo gravissimi.", "art. 2"))
    MINORS = measure(
        "minori",
        ("Fino a 40 ore.", "art. 3"),
        ("Esclude altre misure.", "art. 4"),
        ("Esclude chi riceve la misura B1.", "art. 5"),
        excludes=frozenset({"misura-b1", "sad"}),
    )

    def test_holds_in_both_directions(self) -> None:
        for wanted, held in ((self.MINORS, self.B1), (self.B1, self.MINORS)):
            with pytest.raises(IncompatibleMeasures) as refused:
                refuse_incompatible(wanted, [self.SAD, held] if wanted is self.B1 else [held])
            assert refused.value.facts["source"] == "art. 5"
            assert refused.value.facts["held"] == held.slug
            assert "Esclude chi riceve la misura B1. (art. 5)" in refused.value.message("it")

    def test_otherwise_there_is_none(self) -> None:
        refuse_incompatible(self.B1, [self.SAD])
        refuse_incompatible(self.SAD, [])

    def test_the_rule_that_names_the_other_is_cited_before_one_that_only_excludes(self) -> None:
        assert cited_rule(self.MINORS, self.B1).source == "art. 5"
        assert cited_rule(self.MINORS, self.SAD).source in {"art. 4", "art. 5"}

    def test_without_a_written_rule_the_ambito_answers_for_it(self) -> None:
        silent = measure("silente", ("Su progetto.", "art. 9"), excludes=frozenset({"sad"}))
        assert cited_rule(silent, self.SAD).source == "misure dell'ambito"
