"""Compare what is kept twice: taken seats with bookings, and (with the other side's list) holds with
bookings.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from services.catalogue.persistence.reconciliation import open_voucher_bookings, seat_differences
from services.chassis.database import Database


def reconcile(database: Database) -> Iterator[dict[str, Any]]:
    """Objects for a report, each with a `kind`:

    `seat-difference` (slot_id, taken, bookings): the seats of a slot are wrong; there should be none.
    `open-booking` (booking_id, voucher_id, state, minutes, price_cents): its voucher must have a hold of that
    much; of a `held` one it may.
    """
    with database.read() as connection:
        for row in seat_differences(connection):
            yield {"kind": "seat-difference", **row._mapping}
        for row in open_voucher_bookings(connection):
            yield {"kind": "open-booking", **row._mapping}
