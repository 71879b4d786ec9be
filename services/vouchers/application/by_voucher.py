"""In which order the holds of several bookings end when they share a transaction."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Connection

from services.chassis.messaging.received import Received
from services.vouchers.persistence import holds


def by_voucher(connection: Connection, bookings: Sequence[Received]) -> list[Received]:
    """`bookings` are events of bookings. One voucher after the other, in one order everywhere: each stays
    locked until the transaction ends, and two that have several in common must not wait for each other in a
    circle. Those without a hold come first: their holds may be being written at this moment, and whoever
    writes one waits for its voucher.
    """
    vouchers = holds.vouchers_of(connection, {UUID(each.subject) for each in bookings})
    return sorted(bookings, key=lambda each: str(vouchers.get(UUID(each.subject), "")))
