"""Ending vouchers whose last day is over, and giving their budgets back what they no longer bind."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP

from services.vouchers.domain.ledger import Kind
from services.vouchers.domain.voucher import EXPIRED
from services.vouchers.persistence.chain import Facts, appended, facts_of_change, movement
from services.vouchers.persistence.tables import budget, voucher


def lock_due(connection: sa.Connection, today: date, limit: int) -> list[UUID]:
    """Lock up to `limit` vouchers whose last day lies before `today` and that have no open hold.

    A voucher with an open hold waits for it to end: the visit took place while it was valid. One that another
    transaction is working on is left for the next turn.
    """
    query = (
        sa.select(voucher.c.id)
        .where(voucher.c.state != EXPIRED, voucher.c.valid_to < today, voucher.c.reserved == 0)
        .order_by(voucher.c.valid_to, voucher.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list(connection.execute(query).scalars())


def expire(connection: sa.Connection, locked: list[UUID], at: datetime) -> None:
    """Expire locked vouchers: what was available moves to expired, and in the same statement the budgets
    regain what it bound.
    """
    connection.execute(_EXPIRE, {"ids": locked, "at": at})


def still_committed(
    committed: sa.ColumnElement[int], *, issued: sa.ColumnElement[int], lost: sa.ColumnElement[int]
) -> sa.ColumnElement[int]:
    """What stays bound of `committed` cents once `lost` of the `issued` units can no longer be used; rounded
    up, so that it never falls short of what was used. The difference is what the budget regains.
    """
    return (committed * (issued - lost) + issued - 1) // issued


def _expire_statement() -> sa.Select[tuple[UUID]]:
    stays = still_committed(voucher.c.committed_cents, issued=voucher.c.issued, lost=voucher.c.available)
    # The rows are locked, so what `due` reads is what the updates change.
    due = (
        sa.select(
            voucher.c.id,
            voucher.c.available,
            (voucher.c.committed_cents - stays).label("regained"),
        )
        .where(voucher.c.id == sa.any_(sa.bindparam("ids", type_=ARRAY(voucher.c.id.type))))
        .cte("due")
    )
    facts = Facts(
        quantity=due.c.available,
        amount_cents=due.c.regained,
        recorded_at=sa.bindparam("at", type_=TIMESTAMP(timezone=True)),
    )
    values = movement(Kind.EXPIRE, facts) | {
        "state": sa.literal(EXPIRED, sa.Text),
        "committed_cents": voucher.c.committed_cents - due.c.regained,
    }
    expired = (
        sa.update(voucher)
        .where(voucher.c.id == due.c.id, due.c.available > 0)
        .values(values)
        .returning(*facts_of_change(facts), voucher.c.comune, voucher.c.fund, voucher.c.budget_year)
        .cte("expired")
    )
    # Nothing was left on these: no entry, no cent to give back.
    used_up = (
        sa.update(voucher)
        .where(voucher.c.id == due.c.id, due.c.available == 0)
        .values(state=EXPIRED)
        .cte("used_up")
    )
    key = (expired.c.comune, expired.c.fund, expired.c.budget_year)
    sums = sa.select(*key, sa.func.sum(expired.c.amount_cents).label("cents")).group_by(*key).cte("sums")
    restored = (
        sa.update(budget)
        .where(
            budget.c.comune == sums.c.comune,
            budget.c.fund == sums.c.fund,
            budget.c.year == sums.c.budget_year,
        )
        .values(committed_cents=budget.c.committed_cents - sums.c.cents)
        .cte("restored")
    )
    return sa.select(expired.c.id).add_cte(appended(Kind.EXPIRE, expired), used_up, restored)


_EXPIRE: Final = _expire_statement()
