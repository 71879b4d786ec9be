"""The ledger's arithmetic and its chain, without a database."""

from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.vouchers.domain.commitment import Unit
from services.vouchers.domain.ledger import (
    MOVEMENTS,
    Balance,
    Entry,
    Head,
    Kind,
    Terms,
    chained_hash,
    verify,
)
from services.vouchers.domain.period import Period

VOUCHER = UUID("01929b6e-7a8b-7c3d-9e4f-5a6b7c8d9e50")
BOOKING = UUID("01929b6e-7a8b-7c3d-9e4f-5a6b7c8d9e40")
AT = datetime(2026, 3, 2, 10, 0, 0, 1, tzinfo=UTC)

TERMS = Terms(
    person_id=UUID("01929b6e-7a8b-7c3d-9e4f-5a6b7c8d9e10"),
    comune="L319",
    plan_id=UUID("01929b6e-7a8b-7c3d-9e4f-5a6b7c8d9e30"),
    plan_line_id=UUID("01929b6e-7a8b-7c3d-9e4f-5a6b7c8d9e20"),
    measure="sad",
    fund="fondo-sociale",
    budget_year=2026,
    service="assistenza-domiciliare",
    section="anziani",
    unit=Unit.MINUTES,
    validity=Period(date(2026, 3, 1), date(2026, 6, 30)),
    issued_by="officer-1",
)


def chain(*moves: tuple[Kind, int]) -> tuple[Head, list[Entry]]:
    """A whole ledger of these movements."""
    balance, previous, entries = Balance(), "", []
    for sequence, (kind, quantity) in enumerate(moves, start=1):
        balance = balance.moved(kind, quantity)
        booked = kind in {Kind.RESERVE, Kind.RELEASE, Kind.CONSUME}
        entry = Entry(
            voucher_id=VOUCHER,
            sequence=sequence,
            kind=kind,
            quantity=quantity,
            amount_cents=2200,
            available=balance.available,
            booking_id=BOOKING if booked else None,
            provider="aurora" if booked else None,
            service_date=date(2026, 3, 10) if booked else None,
            recorded_at=AT,
            hash="",
        )
        previous = chained_hash(previous, entry.canonical(TERMS))
        entries.append(replace(entry, hash=previous))
    return Head(VOUCHER, TERMS, balance, len(entries), previous), entries


WHOLE = (
    (Kind.ISSUE, 300),
    (Kind.RESERVE, 60),
    (Kind.RESERVE, 90),
    (Kind.RELEASE, 60),
    (Kind.CONSUME, 90),
    (Kind.ADJUST, 30),
    (Kind.RETURN, 40),
    (Kind.EXPIRE, 10),
)


def test_the_canonical_text_and_its_hash_are_fixed_for_ever() -> None:
    _, entries = chain((Kind.ISSUE, 300), (Kind.RESERVE, 60))
    assert entries[0].canonical(TERMS) == (
        "1|01929b6e-7a8b-7c3d-9e4f-5a6b7c8d9e50|1|issue|300|2200|300||||2026-03-02T10:00:00.000001Z"
        "|01929b6e-7a8b-7c3d-9e4f-5a6b7c8d9e10|L319|01929b6e-7a8b-7c3d-9e4f-5a6b7c8d9e30"
        "|01929b6e-7a8b-7c3d-9e4f-5a6b7c8d9e20|sad|fondo-sociale|2026|assistenza-domiciliare|anziani|minutes|2026-03-01|2026-06-30|officer-1"
    )
    assert entries[1].canonical(TERMS) == (
        "1|01929b6e-7a8b-7c3d-9e4f-5a6b7c8d9e50|2|reserve|60|2200|240"
        "|01929b6e-7a8b-7c3d-9e4f-5a6b7c8d9e40|aurora|2026-03-10|2026-03-02T10:00:00.000001Z"
    )
    assert entries[0].hash == "ff1fc0e305e1ee0dec99a2962a56164bacb15a3c83d098f2aea3b959690ede9e"
    assert entries[1].hash == "c9881ceb9ebf9f4210bb3fca6645bdff14bc59d2ba7340c6e513758792f1881e"


def test_a_whole_ledger_has_no_fault() -> None:
    head, entries = chain(*WHOLE)
    assert head.balance == Balance(
        issued=300, available=190, reserved=0, consumed=60, returned=40, expired=10
    )
    assert verify(head, entries) == []


@given(st.sampled_from(list(Kind)), st.integers(1, 1000))
def test_every_kind_conserves(kind: Kind, quantity: int) -> None:
    signs = MOVEMENTS[kind]
    assert signs.get("issued", 0) == sum(sign for part, sign in signs.items() if part != "issued")
    before = Balance(5000, 1000, 1000, 1000, 1000, 1000)
    assert before.is_conserved
    assert before.moved(kind, quantity).is_conserved


@pytest.mark.parametrize("index", range(len(WHOLE)))
@pytest.mark.parametrize(
    "change",
    [
        {"quantity": 61},
        {"amount_cents": 1},
        {"available": 1},
        {"provider": "betulla"},
        {"service_date": date(2026, 3, 11)},
        {"recorded_at": AT.replace(microsecond=2)},
        {"booking_id": VOUCHER},
        {"hash": "0" * 64},
    ],
)
def test_a_changed_entry_is_found_where_it_is(index: int, change: dict[str, object]) -> None:
    head, entries = chain(*WHOLE)
    entries[index] = replace(entries[index], **change)  # type: ignore[arg-type]
    assert [fault.sequence for fault in verify(head, entries)] == [index + 1]


@pytest.mark.parametrize("index", range(len(WHOLE)))
def test_a_removed_entry_is_found(index: int) -> None:
    head, entries = chain(*WHOLE)
    del entries[index]
    assert verify(head, entries)


def test_a_removed_ledger_is_found() -> None:
    head, _ = chain(*WHOLE)
    assert verify(head, [])


def test_swapped_entries_are_found() -> None:
    head, entries = chain(*WHOLE)
    entries[1], entries[2] = replace(entries[2], sequence=2), replace(entries[1], sequence=3)
    assert [fault.sequence for fault in verify(head, entries)] == [2]


@pytest.mark.parametrize(
    "change",
    [
        {"person_id": VOUCHER},
        {"comune": "L733"},
        {"plan_id": VOUCHER},
        {"plan_line_id": VOUCHER},
        {"measure": "misura-b1"},
        {"fund": "altro"},
        {"budget_year": 2027},
        {"service": "pasti"},
        {"section": "minori"},
        {"unit": Unit.CENTS},
        {"validity": Period(date(2026, 3, 2), date(2026, 6, 30))},
        {"validity": Period(date(2026, 3, 1), date(2026, 7, 1))},
        {"issued_by": "officer-2"},
    ],
)
def test_changed_terms_are_found_at_the_issue(change: dict[str, object]) -> None:
    head, entries = chain(*WHOLE)
    other = replace(head, terms=replace(head.terms, **change))  # type: ignore[arg-type]
    assert [(fault.sequence, "terms" in fault.reason) for fault in verify(other, entries)] == [(1, True)]


def test_a_changed_balance_is_found() -> None:
    head, entries = chain(*WHOLE)
    richer = replace(head, balance=replace(head.balance, available=head.balance.available + 1))
    (fault,) = verify(richer, entries)
    assert (fault.sequence, "amount to" in fault.reason) == (0, True)


def test_an_overdraft_that_hashes_well_is_still_found() -> None:
    head, entries = chain((Kind.ISSUE, 60), (Kind.RESERVE, 90))
    assert "would become" in verify(head, entries)[0].reason


@pytest.mark.parametrize("moves", [((Kind.RETURN, 1),), ((Kind.ISSUE, 60), (Kind.ISSUE, 60))])
def test_only_the_first_entry_is_the_issue(moves: tuple[tuple[Kind, int], ...]) -> None:
    head, entries = chain(*moves)
    assert "begins with its issue" in verify(head, entries)[0].reason
