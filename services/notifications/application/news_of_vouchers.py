"""A voucher was issued, or is used up: what its holder is told."""

from __future__ import annotations

from uuid import UUID

from services.contracts.events.vouchers import VoucherExhausted, VoucherIssued
from services.notifications.domain.notice import Facts, News, Notice


def news_of_issue(event_id: UUID, issued: VoucherIssued) -> News:
    """With the days between which it is valid."""
    facts = Facts(reference=str(issued.voucher_id), valid_from=issued.valid_from, valid_to=issued.valid_to)
    return News(event_id, issued.person_id, Notice.VOUCHER_ISSUED, facts)


def news_of_exhaustion(event_id: UUID, used_up: VoucherExhausted) -> News:
    """Which voucher, and nothing else."""
    facts = Facts(reference=str(used_up.voucher_id))
    return News(event_id, used_up.person_id, Notice.VOUCHER_EXHAUSTED, facts)
