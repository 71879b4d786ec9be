"""What an installation's databases hold, row by row."""

from __future__ import annotations

from tests.support.stack import Stack


def rows(stack: Stack, database: str, query: str) -> list[str]:
    """Each as a text."""
    return stack.sql(database, query).splitlines()


def books_of(stack: Stack) -> dict[str, list[str]]:
    """Every entry of the ledger by its hash, every voucher's balance, booking, and event of either."""
    return {
        "entries": rows(
            stack, "vouchers", "SELECT voucher_id, sequence, hash FROM ledger_entry ORDER BY 1, 2"
        ),
        "vouchers": rows(
            stack, "vouchers", "SELECT id, available, reserved, consumed, head_hash FROM voucher ORDER BY 1"
        ),
        "bookings": rows(stack, "catalogue", "SELECT id, state FROM booking ORDER BY 1"),
        "events": [
            event
            for service in ("catalogue", "vouchers")
            for event in rows(stack, service, "SELECT event_id, type, sequence FROM outbox ORDER BY 1")
        ],
    }
