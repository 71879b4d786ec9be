"""Every kind of mistake in a territory's folder is reported with its file, its line and its reason."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from services.contracts.territory import TerritoryErrors, read_territory
from tests.territory.mistakes import BETWEEN_ENTRIES, IN_ONE_ENTRY, Mistake

VALLE = Path(__file__).parent / "valle"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(VALLE, tmp_path / "valle"))


def mistakes(folder: Path) -> list[str]:
    with pytest.raises(TerritoryErrors) as caught:
        read_territory(folder)
    return [str(error) for error in caught.value.errors]


@pytest.mark.parametrize("mistake", IN_ONE_ENTRY, ids=lambda m: f"{m.file} {m.reason}"[:80])
def test_a_wrong_entry_is_reported_where_it_stands(folder: Path, mistake: Mistake) -> None:
    expected = mistake.make(folder)
    found = mistakes(folder)
    assert any(line.startswith(expected) for line in found), found


@pytest.mark.parametrize("mistake", BETWEEN_ENTRIES, ids=lambda m: f"{m.file} {m.reason}"[:80])
def test_a_contradiction_is_reported_where_it_stands(folder: Path, mistake: Mistake) -> None:
    expected = mistake.make(folder)
    found = mistakes(folder)
    assert expected in found, found


def test_a_service_that_outgrows_its_slots_is_reported_at_the_slots(folder: Path) -> None:
    Mistake("services.yaml", "duration_minutes: 60", "duration_minutes: 90", "").make(folder)
    reason = "slot_minutes: 60 is shorter than the service (90)"
    assert mistakes(folder) == [f"offerings.yaml:7: {reason}", f"offerings.yaml:8: {reason}"]


def test_all_mistakes_are_reported_at_once_and_in_order(folder: Path) -> None:
    expected = [
        Mistake("ambito.yaml", "zone: Europe/Rome", "zone: Roma", "zone: 'Roma' is not an IANA time zone"),
        Mistake(
            "comuni.yaml", "residents: 900", "residents: 0", "[1].residents: Input should be greater than 0"
        ),
        Mistake("comuni.yaml", "day: 08-16", "day: 16/8", "[2].patron.day: a yearly day is written MM-DD"),
        Mistake("staff.yaml", "given_name: Ada", "nome: Ada", "[1].nome: unknown field"),
    ]
    beginnings = [mistake.make(folder) for mistake in expected]
    beginnings.insert(3, "staff.yaml:2: [1].given_name: the field is missing")
    found = mistakes(folder)
    assert [line for line in found if not line.startswith(tuple(beginnings))] == []
    assert len(found) == len(beginnings)
    assert found == sorted(found, key=lambda line: (line.split(":")[0], int(line.split(":")[1])))


def test_contradictions_of_all_files_are_reported_at_once(folder: Path) -> None:
    expected = [
        Mistake("budgets.yaml", "comune: B002", "comune: C003", "comune: there is no comune 'C003'"),
        Mistake("staff.yaml", "plan_office:valle", "plan_office:x", "roles: 'x' is no scope of plan_office"),
    ]
    assert [mistake.make(folder) for mistake in expected] == mistakes(folder)


def test_references_to_a_broken_file_are_not_blamed(folder: Path) -> None:
    Mistake("comuni.yaml", "residents: 900", "residents: 0", "").make(folder)
    assert [line.split(":")[0] for line in mistakes(folder)] == ["comuni.yaml"]


def test_a_missing_file(folder: Path) -> None:
    (folder / "staff.yaml").unlink()
    assert mistakes(folder) == ["staff.yaml:1: the file is missing"]


def test_a_file_nobody_asked_for(folder: Path) -> None:
    (folder / "budget.yaml").write_text("budgets: []\n", encoding="utf-8")
    assert mistakes(folder) == ["budget.yaml:1: no file of this name belongs to a territory"]


def test_a_missing_folder(tmp_path: Path) -> None:
    assert mistakes(tmp_path / "nowhere") == [f"{tmp_path / 'nowhere'}:1: there is no such folder"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "staff.yaml:1: the file is empty"),
        (b"- a\n", "staff.yaml:1: the file must be a mapping with staff"),
        (b"staff: []\nteam: []\n", "staff.yaml:2: unknown key 'team'; expected staff"),
        (b"{}\n", "staff.yaml:1: the key 'staff' is missing"),
        (b"staff:\n  - login: a\n   given_name: b\n", "staff.yaml:3: not readable as YAML: "),
        (b"staff: []\nstaff: []\n", "staff.yaml:2: the key 'staff' is repeated"),
        (b"staff:\n  - {login: a, login: b}\n", "staff.yaml:2: the key 'login' is repeated"),
        (b"staff:\n  - ? [a]\n    : b\n", "staff.yaml:2: a key must be plain text"),
        (b"staff: !!python/name:os.system\n", "staff.yaml:1: the tag "),
        (b"staff: &a\n  - *a\n", "staff.yaml:1: the value is used again by an alias; write it out each time"),
        (b"staff: []\n\x00", "staff.yaml:2: not readable as YAML: "),
        (b"staff: [\xff]\n", "staff.yaml:1: not UTF-8 text at byte 8"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_proper_yaml(folder: Path, content: bytes, expected: str) -> None:
    (folder / "staff.yaml").write_bytes(content)
    found = mistakes(folder)
    assert found[0].startswith(expected), found
