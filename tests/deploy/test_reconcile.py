"""What reconciliation calls a difference, and what it lets pass."""

import json
from typing import Any

import pytest

from deploy.local import reconcile
from deploy.local.reconcile import (
    Books,
    CannotReadBooks,
    Printed,
    differences,
    lasting_differences,
    read_books,
)


def booking(key: str, state: str = "confirmed", **changes: Any) -> dict[str, Any]:
    line = {"kind": "open-booking", "booking_id": key, "voucher_id": "v", "state": state, "minutes": 60}
    return {**line, "price_cents": 2250, **changes}


def hold(key: str, **changes: Any) -> dict[str, Any]:
    return {"booking_id": key, "voucher_id": "v", "quantity": 60, **changes}


@pytest.mark.parametrize(
    ("catalogue", "vouchers"),
    [
        ([], []),
        ([booking("a")], [hold("a")]),
        ([booking("a")], [hold("a", quantity=2250)]),
        ([booking("a", "held")], []),
        ([booking("a", "held")], [hold("a")]),
    ],
)
def test_books_that_agree(catalogue: reconcile.Lines, vouchers: reconcile.Lines) -> None:
    assert differences(Books(catalogue, vouchers)) == set()


@pytest.mark.parametrize(
    ("catalogue", "vouchers"),
    [
        ([booking("a")], []),
        ([], [hold("a")]),
        ([booking("a")], [hold("a", voucher_id="w")]),
        ([booking("a")], [hold("a", quantity=61)]),
        ([{"kind": "seat-difference", "slot_id": "s", "taken": 2, "bookings": 1}], []),
    ],
)
def test_books_that_do_not(catalogue: reconcile.Lines, vouchers: reconcile.Lines) -> None:
    assert len(differences(Books(catalogue, vouchers))) == 1


def test_what_is_on_its_way_is_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconcile, "_BETWEEN_PASSES_SECONDS", 0)
    passes = iter([Books([booking("a"), booking("b")], []), Books([booking("b"), booking("c")], [])])
    assert [line.split(":")[0] for line in lasting_differences(lambda: next(passes))] == ["booking b"]


def test_a_service_that_could_not_look_is_not_one_that_found_nothing() -> None:
    found = json.dumps({"kind": "seat-difference", "slot_id": "s", "taken": 2, "bookings": 1})
    answers = {"reconcile": Printed(1, found, ""), "holds": Printed(0, "", "")}
    assert differences(read_books(lambda _, command: answers[command])) == {
        "slot s: 2 seats taken, 1 bookings"
    }
    for command in ("reconcile", "holds"):
        lost = answers | {command: Printed(1, "", "the database does not answer")}
        with pytest.raises(CannotReadBooks, match="the database does not answer"):
            read_books(lambda _, command, lost=lost: lost[command])  # type: ignore[misc]
