"""From weekly hours in local wall time to bookable slots in real time.

On the two nights of the year on which the clocks change:

* A wall time that is skipped has no slot: nobody can arrive at 02:30 when 02:00 is followed by 03:00.
* A wall time that comes twice has one slot, at its first coming: a time shown to a citizen must name one
  instant.
* A visit lasts its real minutes. A slot that would begin before the one before it has ended, or that would
  end after the window's wall time of closing, does not exist that night; slots of an offering never overlap.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from services.catalogue.domain.calendar import Calendar

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklyRule:
    """Visits of `visit_minutes`, one every `slot_minutes`, from `opens` to `closes` on some days of each
    week.

    `weekdays` are ISO numbers. A window that closes at or before it opens closes on the next day; it belongs,
    with all its slots, to the day on which it opens. Valid on the days from `valid_from` to `valid_to`, both
    included.
    """

    weekdays: frozenset[int]
    opens: time
    closes: time
    slot_minutes: int
    visit_minutes: int
    capacity: int
    on_holidays: bool
    valid_from: date
    valid_to: date | None

    def holds_on(self, day: date) -> bool:
        return (
            day.isoweekday() in self.weekdays
            and self.valid_from <= day
            and (self.valid_to is None or day <= self.valid_to)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedAt:
    """Where and by whom an offering is delivered, as far as it decides on which days."""

    provider: str
    comuni: tuple[str, ...]
    social_point: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedSlot:
    """A slot as the rules make it. Instants in UTC; `closed_comuni` are those of its offering that it does
    not serve.
    """

    starts_at: datetime
    ends_at: datetime
    service_date: date
    capacity: int
    closed_comuni: tuple[str, ...] = ()


def planned_slots(
    where: OfferedAt,
    rules: Iterable[WeeklyRule],
    calendar: Calendar,
    zone: ZoneInfo,
    *,
    first_day: date,
    last_day: date,
) -> list[PlannedSlot]:
    """All slots of an offering whose windows open between two local days, both included; sorted, never
    overlapping.
    """
    rules = tuple(rules)
    candidates: list[tuple[datetime, PlannedSlot]] = []
    day = first_day
    while day <= last_day:
        for rule in rules:
            if rule.holds_on(day):
                candidates += _slots_of_day(where, rule, calendar, zone, day)
        day += _DAY
    candidates.sort(key=lambda candidate: candidate[1].starts_at)
    chosen: list[PlannedSlot] = []
    busy_until = datetime.min.replace(tzinfo=UTC)
    for until, slot in candidates:
        if slot.starts_at >= busy_until:
            chosen.append(slot)
            busy_until = until
    return chosen


def _slots_of_day(
    where: OfferedAt, rule: WeeklyRule, calendar: Calendar, zone: ZoneInfo, day: date
) -> Iterator[tuple[datetime, PlannedSlot]]:
    closed = tuple(
        comune
        for comune in where.comuni
        if (calendar.is_holiday(day, comune) and not rule.on_holidays)
        or calendar.is_closed(day, comune=comune, provider=where.provider, social_point=where.social_point)
    )
    if len(closed) == len(where.comuni):
        return
    step, visit = timedelta(minutes=rule.slot_minutes), timedelta(minutes=rule.visit_minutes)
    wall = datetime.combine(day, rule.opens)
    closes = datetime.combine(day if rule.closes > rule.opens else day + _DAY, rule.closes)
    closing_instant = _instant(closes, zone)
    while wall + step <= closes:
        starts_at = _instant(wall, zone)
        if _exists(wall, starts_at, zone) and starts_at + step <= closing_instant:
            yield (
                starts_at + step,
                PlannedSlot(
                    starts_at=starts_at,
                    ends_at=starts_at + visit,
                    service_date=wall.date(),
                    capacity=rule.capacity,
                    closed_comuni=closed,
                ),
            )
        wall += step


def _instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """The first instant at which clocks show `wall`; for a skipped one, when they would have without the
    change.
    """
    return wall.replace(tzinfo=zone, fold=0).astimezone(UTC)


def _exists(wall: datetime, instant: datetime, zone: ZoneInfo) -> bool:
    return instant.astimezone(zone).replace(tzinfo=None, fold=0) == wall


def local_day_start(day: date, zone: ZoneInfo) -> datetime:
    """The instant at which a local day begins, in UTC."""
    return _instant(datetime.combine(day, time.min), zone)
