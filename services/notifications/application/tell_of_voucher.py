"""A voucher was issued, or is used up."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa

from services.contracts.events.vouchers import VoucherExhausted, VoucherIssued
from services.notifications.application.tell import Tell
from services.notifications.domain.notice import Facts, Notice


def tell_of_issue(tell: Tell, connection: sa.Connection, event_id: UUID, issued: VoucherIssued) -> None:
    """Tells its holder, and her delegates. Raises PersonNotYetKnown."""
    facts = Facts(reference=str(issued.voucher_id), valid_from=issued.valid_from, valid_to=issued.valid_to)
    tell(connection, event_id=event_id, person=issued.person_id, notice=Notice.VOUCHER_ISSUED, facts=facts)


def tell_of_exhaustion(
    tell: Tell, connection: sa.Connection, event_id: UUID, used_up: VoucherExhausted
) -> None:
    """Tells its holder, and her delegates. Raises PersonNotYetKnown."""
    facts = Facts(reference=str(used_up.voucher_id))
    tell(
        connection, event_id=event_id, person=used_up.person_id, notice=Notice.VOUCHER_EXHAUSTED, facts=facts
    )
