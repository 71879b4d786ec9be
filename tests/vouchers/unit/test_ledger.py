"""The ledger's arithmetic and its chain, without a database."""

from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.vouchers.domain.ledger import MOVEMENTS, Balance, Entry, Head, Kind, chained_hash, verify

VOUCHER = UUID("01929b6e-7a8b-7c3d-9e4f-5a6b7c8d9e50")
BOOKING = UUID("01929b6e-7a8b-7c3d-9e4f-5a6b7c8d9e40")
AT = datetime(2026, 3, 2, 10, 0, 0, 1, tzinfo=UTC)


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
        previous = chained_hash(previous, entry.canonical())
        entries.append(replace(entry, hash=previous))
    return Head(VOUCHER, balance, len(entries), previous), entries


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
    assert entries[1].canonical() == (
        "1|01929b6e-7a8b-7c3d-9e4f-5a6b7c8d9e50|2|reserve|60|2200|240"
        "|01929b6e-7a8b-7c3d-9e4f-5a6b7c8d9e40|aurora|2026-03-10|2026-03-02T10:00:00.000001Z"
    )
    assert entries[0].hash == "3024189aa45367000d366c9cbf7719c6660cab3b359c08eaeadb496e00a8e9de"
    assert entries[1].hash == "7f2a8f72fe3a802c8b2230b79904a33f49975a5a4034a9d58bbca50b2d2945cc"


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
