"""Synthetic citizens: reproducible, valid, unique, and in the proportions of a real territory."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from deploy.citizens.generate import generate
from services.contracts.territory import Territory, read_territory
from services.contracts.territory.citizens import CitizenLine
from services.identity.domain.codice_fiscale import Sex, check_declared, encode, parse

ROOT = Path(__file__).resolve().parents[2]
DAY = dt.date(2026, 1, 1)
MANY = 20_000


@pytest.fixture(scope="module")
def tradate() -> Territory:
    return read_territory(ROOT / "deploy" / "data" / "tradate")


@pytest.fixture(scope="module")
def citizens(tradate: Territory) -> list[CitizenLine]:
    return list(generate(tradate, count=MANY, seed=1, on=DAY))


def age(citizen: CitizenLine) -> int:
    born = citizen.birth_date
    return DAY.year - born.year - ((DAY.month, DAY.day) < (born.month, born.day))


def share(citizens: list[CitizenLine], of: list[CitizenLine]) -> float:
    return len(of) / len(citizens)


def test_every_code_is_valid_unique_and_of_its_person(citizens: list[CitizenLine]) -> None:
    assert len(citizens) == MANY
    assert len({citizen.codice_fiscale for citizen in citizens}) == MANY
    for citizen in citizens:
        code = parse(citizen.codice_fiscale)
        assert code.value == citizen.codice_fiscale
        check_declared(code, birth_date=citizen.birth_date, sex=Sex(citizen.sex))
        if not code.is_provisional:
            computed = encode(
                citizen.family_name,
                citizen.given_name,
                citizen.birth_date,
                Sex(citizen.sex),
                citizen.birthplace_belfiore,
            )
            assert code.plain == computed.value


def test_the_hard_cases_are_among_them(citizens: list[CitizenLine]) -> None:
    codes = [parse(citizen.codice_fiscale) for citizen in citizens]
    assert sum(code.is_omocodic for code in codes) >= 5
    assert sum(code.is_provisional for code in codes) >= 5
    assert 0.03 < share(citizens, [c for c in citizens if c.birthplace_belfiore.startswith("Z")]) < 0.15
    assert any(age(citizen) >= 100 for citizen in citizens)
    assert any(citizen.birth_date.year >= 2025 for citizen in citizens)
    assert any("'" in citizen.family_name for citizen in citizens)
    assert any(not citizen.family_name.isascii() for citizen in citizens)
    assert any(not citizen.given_name.isascii() for citizen in citizens)
    assert {citizen.language for citizen in citizens} == {"it", "en"}


def test_ages_are_a_pyramid_of_northern_italy(citizens: list[CitizenLine]) -> None:
    assert all(0 <= age(citizen) <= 108 for citizen in citizens)
    assert share(citizens, [c for c in citizens if age(c) < 15]) == pytest.approx(0.125, abs=0.02)
    assert share(citizens, [c for c in citizens if age(c) >= 65]) == pytest.approx(0.24, abs=0.03)
    assert share(citizens, [c for c in citizens if age(c) >= 80]) == pytest.approx(0.075, abs=0.02)
    assert share(citizens, [c for c in citizens if c.sex == "F"]) == pytest.approx(0.5, abs=0.03)


def test_households_share_an_address_and_have_an_adult(citizens: list[CitizenLine]) -> None:
    homes: defaultdict[str, list[CitizenLine]] = defaultdict(list)
    for citizen in citizens:
        homes[citizen.household].append(citizen)
    assert {len(members) for members in homes.values()} == {1, 2, 3, 4, 5}
    for members in homes.values():
        assert len({(member.residence_comune, member.address) for member in members}) == 1
        assert max(map(age, members)) >= 18


def test_comuni_are_inhabited_in_proportion(citizens: list[CitizenLine], tradate: Territory) -> None:
    inhabitants = Counter(citizen.residence_comune for citizen in citizens)
    total = sum(comune.residents for comune in tradate.comuni)
    for comune in tradate.comuni:
        assert inhabitants[comune.belfiore] / MANY == pytest.approx(comune.residents / total, abs=0.02)
    for citizen in citizens[:500]:
        comune = tradate.comune_by_belfiore[citizen.residence_comune]
        assert citizen.address.endswith(f", {comune.cap} {comune.name}")


def test_six_in_ten_can_be_reached_by_mail_and_no_child(citizens: list[CitizenLine]) -> None:
    addresses = [citizen.email for citizen in citizens if citizen.email is not None]
    assert len(addresses) / MANY == pytest.approx(0.6, abs=0.04)
    assert len(set(addresses)) == len(addresses)
    assert all(address.endswith("@example.it") for address in addresses)
    assert not any(citizen.email or citizen.phone for citizen in citizens if age(citizen) < 14)


def test_the_same_seed_gives_the_same_citizens(tradate: Territory, citizens: list[CitizenLine]) -> None:
    assert list(generate(tradate, count=300, seed=1, on=DAY)) == citizens[:300]
    assert list(generate(tradate, count=300, seed=2, on=DAY)) != citizens[:300]


def test_another_ambito_gets_its_own_citizens() -> None:
    valle = read_territory(Path(__file__).parent / "valle")
    drawn = list(generate(valle, count=400, seed=7, on=dt.date(2024, 2, 29)))
    counts = Counter(citizen.residence_comune for citizen in drawn)
    assert set(counts) == {"A001", "B002"}
    assert counts["A001"] > 5 * counts["B002"]
    assert all(citizen.birth_date <= dt.date(2024, 2, 29) for citizen in drawn)


def test_the_command_writes_one_citizen_a_line(tmp_path: Path, citizens: list[CitizenLine]) -> None:
    out = tmp_path / "citizens.ndjson"
    command = [sys.executable, "-m", "deploy.citizens", "--count", "50", "--seed", "1", "--out", str(out)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    lines = out.read_text(encoding="utf-8").splitlines()
    assert [CitizenLine.model_validate_json(line) for line in lines] == citizens[:50]
