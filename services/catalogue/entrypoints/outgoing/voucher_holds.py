"""The voucher's side, over gRPC."""

from __future__ import annotations

from threading import BoundedSemaphore

import grpc

from services.catalogue.domain.booking import Booking
from services.chassis.caller import Caller
from services.chassis.logs import get_logger
from services.chassis.refusal import Unavailable
from services.chassis.rpc.client import call
from services.chassis.rpc.status import RemoteFailure
from services.contracts.generated.ambito.vouchers.v1 import vouchers_pb2, vouchers_pb2_grpc

_log = get_logger(__name__)


class GrpcVoucherHolds:
    """Calls `HoldService.Hold` with the booker's token, at most `maximum_concurrent` at once.

    While that many wait for an answer, the next is given up at once: a voucher's side that hangs must not
    take every thread from those who do not need it.
    """

    def __init__(self, channel: grpc.Channel, deadline_seconds: float, maximum_concurrent: int) -> None:
        self._stub = vouchers_pb2_grpc.HoldServiceStub(channel)  # type: ignore[no-untyped-call]  # generated
        self._deadline_seconds = deadline_seconds
        self._places = BoundedSemaphore(maximum_concurrent)

    def hold(self, booking: Booking, caller: Caller) -> None:
        """As VoucherHolds; a fault on the other side counts as no answer."""
        if not self._places.acquire(blocking=False):
            raise Unavailable(retry_after_seconds=1)
        try:
            self._call(booking, caller)
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
