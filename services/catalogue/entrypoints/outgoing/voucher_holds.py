"""The voucher's side, over gRPC."""

from __future__ import annotations

from threading import BoundedSemaphore
from typing import Final

import grpc

from services.catalogue.domain.booking import Booking
from services.chassis.caller import Caller
from services.chassis.logs import get_logger
from services.chassis.refusal import Refusal, Unavailable
from services.chassis.rpc.client import call
from services.chassis.rpc.status import RemoteFailure
from services.contracts.generated.ambito.vouchers.v1 import vouchers_pb2, vouchers_pb2_grpc

_TURN_SECONDS: Final = 1.0

_log = get_logger(__name__)


class GrpcVoucherHolds:
    """Calls `HoldService.Hold` with the booker's token, at most `maximum_concurrent` at once.

    A voucher's side that hangs must not take every thread from those who do not need it. While it answers,
    the next one waits a moment for its turn; once it has left somebody without an answer, the next one is
    given up at once, until it answers again.
    """

    def __init__(self, channel: grpc.Channel, deadline_seconds: float, maximum_concurrent: int) -> None:
        self._stub = vouchers_pb2_grpc.HoldServiceStub(channel)
        self._deadline_seconds = deadline_seconds
        self._places = BoundedSemaphore(maximum_concurrent)
        self._answers = True

    def hold(self, booking: Booking, caller: Caller) -> None:
        """As VoucherHolds; a fault on the other side counts as no answer."""
        if not self._places.acquire(timeout=_TURN_SECONDS if self._answers else 0):
            raise Unavailable(retry_after_seconds=1)
        try:
            self._call(booking, caller)
        except Unavailable:
            self._answers = False
            raise
        except Refusal:
            self._answers = True
            raise
        else:
            self._answers = True
        finally:
            self._places.release()

    def _call(self, booking: Booking, caller: Caller) -> None:
        request = vouchers_pb2.HoldRequest(
            booking_id=str(booking.id),
            voucher_id=str(booking.voucher_id),
            person_id=str(booking.person_id),
            provider=booking.provider,
            service=booking.service,
            service_date=booking.service_date.isoformat(),
            minutes=booking.minutes,
            cents=booking.price_cents,
        )
        try:
            call(self._stub.Hold, request, caller=caller, deadline_seconds=self._deadline_seconds)
        except RemoteFailure as fault:
            _log.warning("vouchers failed to answer", code=fault.code.name)
            raise Unavailable(retry_after_seconds=2) from fault
