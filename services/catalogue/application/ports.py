"""What catalogue needs of others."""

from __future__ import annotations

from typing import Protocol

from services.catalogue.domain.booking import Booking
from services.chassis.caller import Caller


class VoucherHolds(Protocol):
    """The voucher's side of a booking."""

    def hold(self, booking: Booking, caller: Caller) -> None:
        """Have the booking's minutes or cents held on its voucher; the same booking again is the same hold.

        Raises the Refusal with which the voucher's side said no, and Unavailable when it gave no answer: then
        the hold may have been made or not.
        """
