"""A folder becomes a territory: Tradate's own, and a tiny one that shares nothing with it."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from pathlib import Path

import pytest

from services.contracts.territory import PublicHoliday, Territory, public_holidays, read_territory
from services.contracts.territory.catalogue import AvailabilityRule, ServiceKind
from services.contracts.territory.funding import HourlyTable, PercentageTable
from services.contracts.territory.providers import AccreditationStatus
from services.contracts.territory.types import Weekday

ROOT = Path(__file__).resolve().parents[2]
TRADATE = ROOT / "deploy" / "data" / "tradate"
VALLE = Path(__file__).parent / "valle"
A_TUESDAY = dt.date(2026, 12, 1)


@pytest.fixture(scope="module")
def tradate() -> Territory:
    return read_territory(TRADATE)


@pytest.fixture(scope="module")
def valle() -> Territory:
    return read_territory(VALLE)


def test_tradate_is_the_territory_that_its_ambito_is(tradate: Territory) -> None:
    assert {comune.belfiore: comune.istat for comune in tradate.comuni} == {
        "C273": "012044",
        "C300": "012046",
        "E104": "012080",
        "E665": "012089",
        "L319": "012127",
        "L703": "012134",
        "L733": "012136",
        "L734": "012137",
    }
    assert tradate.comune_by_belfiore[tradate.ambito.capofila].name == "Tradate"
    assert sum(comune.residents for comune in tradate.comuni) == 54_652
    assert {point.comune for point in tradate.social_points} == {"L319", "C300", "L733", "L703"}
    assert [category.name.en for category in tradate.categories] == [
        "YouCare",
        "ChildCare",
        "SilverCare",
        "FamilyCare",
        "House&Pet Care",
    ]


def test_tradate_has_what_citizens_need(tradate: Territory) -> None:
    assert len(tradate.services) >= 40
    assert {service.kind for service in tradate.services} == set(ServiceKind)
    assert {service.category for service in tradate.services} == {c.slug for c in tradate.categories}
    assert {offering.service for offering in tradate.offerings} == {s.slug for s in tradate.services}
    assert {o.provider for o in tradate.offerings} == {p.slug for p in tradate.providers}


def test_every_cooperative_is_invented_and_has_its_system_and_people(tradate: Territory) -> None:
    slugs = {provider.slug for provider in tradate.providers}
    assert len(slugs) == 14
    assert all(provider.invented for provider in tradate.providers)
    assert {client.provider for client in tradate.api_clients} == slugs
    roles = {role for account in tradate.staff for role in account.roles}
    assert {role.partition(":")[2] for role in roles if role.startswith("provider_staff:")} == slugs
    for name in ("social_worker", "comune_officer"):
        scopes = {role.partition(":")[2] for role in roles if role.startswith(f"{name}:")}
        assert scopes == set(tradate.comune_by_belfiore)


def test_every_mail_address_can_reach_nobody(tradate: Territory) -> None:
    addresses = [
        tradate.ambito.email,
        *(point.email for point in tradate.social_points),
        *(provider.email for provider in tradate.providers),
        *(account.email for account in tradate.staff),
        *(client.contact_email for client in tradate.api_clients),
    ]
    assert [a for a in addresses if not a.endswith(("@example.it", ".example.it"))] == []


def test_every_comune_has_a_budget_of_every_fund_and_a_share_in_every_section(tradate: Territory) -> None:
    budgets = {(budget.comune, budget.fund, budget.year) for budget in tradate.budgets}
    comuni = tradate.comune_by_belfiore
    assert budgets == {(c, fund.slug, y) for c in comuni for fund in tradate.funds for y in (2026, 2027)}
    for day in (dt.date(2026, 1, 1), dt.date(2026, 6, 30), dt.date(2026, 7, 1), dt.date(2027, 12, 31)):
        holding = [(t.comune, t.section) for t in tradate.isee_tables if t.holds_on(day)]
        assert sorted(holding) == sorted((c, s.slug) for c in comuni for s in tradate.ambito.sections)
    assert {type(table) for table in tradate.isee_tables} == {HourlyTable, PercentageTable}


def test_incompatible_measures_exclude_each_other(tradate: Territory) -> None:
    by_slug = tradate.measure_by_slug
    assert set(by_slug["misura-b1"].incompatible_with) >= {"misura-b2"}
    assert set(by_slug["domiciliare-minori"].incompatible_with) == {"misura-b1", "misura-b2"}
    for measure in tradate.measures:
        for other in measure.incompatible_with:
            assert measure.slug in by_slug[other].incompatible_with


def test_home_care_for_older_people_can_be_chosen_on_a_tuesday_at_nine(tradate: Territory) -> None:
    providers = set()
    for offering in tradate.offerings:
        if offering.service == "sad-anziani" and "L733" in offering.comuni:
            slots = {slot for rule in offering.availability for slot in starts(rule, A_TUESDAY)}
            if (dt.time(9), 60) in slots:
                providers.add(offering.provider)
    may_deliver = {slug for slug in providers if delivers(tradate, slug, "anziani", A_TUESDAY)}
    assert len(may_deliver) >= 3
    statuses = {
        entry.status
        for slug in providers - may_deliver
        for entry in tradate.provider_by_slug[slug].accreditations
    }
    assert {AccreditationStatus.EXPIRED, AccreditationStatus.SUSPENDED} <= statuses
    assert "buono-domiciliarita" in tradate.service_by_slug["sad-anziani"].measures


def test_reading_twice_gives_equal_territories(tradate: Territory) -> None:
    _ = tradate.comune_by_belfiore  # an index that was used does not make it another territory
    assert read_territory(TRADATE) == tradate


def test_another_ambito_is_another_folder(valle: Territory, tradate: Territory) -> None:
    assert valle != tradate
    assert valle.ambito.rules.booking.hold_seconds == 60
    assert valle.ambito.rules.booking.slot_horizon_days == 60  # the default
    assert str(valle.ambito.zone_info) == "Europe/Rome"
    assert [comune.cap for comune in valle.comuni] == ["00010", "00010"]
    assert valle.services[1].section is None
    assert valle.offerings[0].availability[0].from_ == dt.time(8)
    assert [day.iso for day in Weekday] == [1, 2, 3, 4, 5, 6, 7]


def test_validity_includes_its_last_day(valle: Territory) -> None:
    old, new = valle.provider_by_slug["quercia"].accreditations
    assert old.holds_on(dt.date(2025, 12, 31))
    assert not old.holds_on(dt.date(2026, 1, 1))
    assert not old.allows_delivery_on(dt.date(2025, 12, 31))  # expired, whatever its dates
    assert [new.allows_delivery_on(dt.date(2026, m, d)) for m, d in ((1, 31), (2, 1), (12, 31))] == [
        False,
        True,
        True,
    ]
    assert not new.allows_delivery_on(dt.date(2027, 1, 1))
    closure = valle.closures[0]
    assert [closure.covers(dt.date(2026, 8, d)) for d in (9, 10, 14, 15)] == [False, True, True, False]


def test_holidays_are_the_nations_and_each_comunes(valle: Territory) -> None:
    holidays = public_holidays(valle, [2027, 2026])
    assert PublicHoliday(dt.date(2026, 12, 8), "Immacolata Concezione", "Immaculate Conception") in holidays
    assert PublicHoliday(dt.date(2027, 3, 29), "Lunedì dell'Angelo", "Easter Monday") in holidays
    assert PublicHoliday(dt.date(2026, 8, 16), "San Rocco", "San Rocco", "B002") in holidays
    assert [h for h in holidays if h.comune == "A001"] == [
        PublicHoliday(dt.date(year, 10, 1), "San Remigio", "San Remigio", "A001") for year in (2026, 2027)
    ]
    assert list(holidays) == sorted(holidays, key=lambda h: (h.day, h.comune or ""))


def test_the_command_says_valid_or_what_is_wrong(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "services.contracts.territory", "check"]
    good = subprocess.run([*command, TRADATE], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (good.returncode, good.stderr) == (0, "")
    assert "8 comuni" in good.stdout
    bad = subprocess.run([*command, tmp_path], cwd=ROOT, capture_output=True, text=True, check=False)
    assert bad.returncode == 1
    assert f"{tmp_path / 'staff.yaml'}:1: the file is missing" in bad.stderr.splitlines()


def starts(rule: AvailabilityRule, day: dt.date) -> list[tuple[dt.time, int]]:
    """The slots of a rule on a day: local start and minutes."""
    if not rule.holds_on(day) or day.isoweekday() not in {weekday.iso for weekday in rule.weekdays}:
        return []
    first, last = (t.hour * 60 + t.minute for t in (rule.from_, rule.to))
    return [(dt.time(*divmod(m, 60)), rule.slot_minutes) for m in range(first, last, rule.slot_minutes)]


def delivers(territory: Territory, provider: str, section: str, day: dt.date) -> bool:
    entries = territory.provider_by_slug[provider].accreditations
    return any(entry.section == section and entry.allows_delivery_on(day) for entry in entries)
