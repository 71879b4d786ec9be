"""Why a booking ended, for who may know it."""

from __future__ import annotations

from uuid import UUID

from services.catalogue.application.access import without_words_of_others
from services.catalogue.domain.booking import Booking
from services.chassis.caller import Caller
from services.chassis.sealing import Sealer


class Reasons:
    """Words with which bookings are cancelled: people write of their health in them.

    So they are kept sealed, and opened only when they are shown to somebody who may read them.
    """

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def seal(self, booking_id: UUID, words: str) -> str:
        """The words as they are kept with that booking, and with no other."""
        return self._sealer.seal(words, _context(booking_id))

    def shown(self, booking: Booking, caller: Caller) -> str:
        """The stable type of a refusal, or the words of whoever cancelled; empty if there are none, or none
        for `caller`. SealBroken if the words were not sealed for this booking by a known key.
        """
        if booking.reason_sealed is None:
            return booking.reason or ""
        if without_words_of_others(booking, caller):
            return ""
        return self._sealer.open(booking.reason_sealed, _context(booking.id))


def _context(booking_id: UUID) -> str:
    return f"catalogue.booking.reason:{booking_id}"
