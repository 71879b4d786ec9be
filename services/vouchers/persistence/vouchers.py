"""Vouchers and their assignments."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from services.chassis.ids import new_id
from services.vouchers.domain.assignments import Assignment, Assignments
from services.vouchers.domain.commitment import Unit
from services.vouchers.domain.ledger import Balance, Kind, Terms
from services.vouchers.domain.period import Period
from services.vouchers.domain.refusals import VoucherAlreadyIssued
from services.vouchers.domain.voucher import ACTIVE, EXPIRED, ISSUED, Voucher
from services.vouchers.persistence.chain import Facts, appended, facts_of_change, hash_of
from services.vouchers.persistence.tables import assignment, voucher


@dataclass(frozen=True, slots=True, kw_only=True)
class NewVoucher:
    """What a voucher is born with."""

    id: UUID
    terms: Terms
    quantity: int
    committed_cents: int
    issued_at: datetime


def issue(connection: sa.Connection, new: NewVoucher) -> None:
    """Insert the voucher and its first entry."""
    quantity = sa.literal(new.quantity, sa.BigInteger)
    facts = Facts(
        quantity=quantity,
        amount_cents=sa.literal(new.committed_cents, sa.BigInteger),
        recorded_at=sa.literal(new.issued_at, voucher.c.issued_at.type),
    )
    first_hash = hash_of(
        Kind.ISSUE,
        facts,
        previous=sa.literal("", sa.Text),
        voucher_id=sa.literal(new.id, voucher.c.id.type),
        sequence=sa.literal(1, sa.BigInteger),
        available=quantity,
        terms=new.terms,
    )
    inserted = (
        sa.insert(voucher)
        .values(
            id=new.id,
            person_id=new.terms.person_id,
            comune=new.terms.comune,
            plan_id=new.terms.plan_id,
            plan_line_id=new.terms.plan_line_id,
            measure=new.terms.measure,
            fund=new.terms.fund,
            budget_year=new.terms.budget_year,
            service=new.terms.service,
            section=new.terms.section,
            unit=new.terms.unit,
            state=ISSUED,
            valid_from=new.terms.validity.first,
            valid_to=new.terms.validity.last,
            issued=quantity,
            available=quantity,
            reserved=0,
            consumed=0,
            returned=0,
            expired=0,
            committed_cents=new.committed_cents,
            assigned_from=[],
            assigned_providers=[],
            entries=1,
            head_hash=first_hash,
            issued_by=new.terms.issued_by,
            issued_at=new.issued_at,
            version=1,
        )
        .returning(*facts_of_change(facts))
        .cte("inserted")
    )
    connection.execute(sa.select(inserted.c.id).add_cte(appended(Kind.ISSUE, inserted)))


def refuse_duplicate(connection: sa.Connection, plan_line_id: UUID, validity: Period) -> None:
    """VoucherAlreadyIssued if the line has a voucher for the same days. Reliable while the line's row is
    locked.
    """
    existing = connection.execute(
        sa.select(voucher.c.id).where(
            voucher.c.plan_line_id == plan_line_id,
            voucher.c.valid_from == validity.first,
            voucher.c.valid_to == validity.last,
        )
    ).scalar_one_or_none()
    if existing is not None:
        raise VoucherAlreadyIssued(voucher_id=existing)


def find(connection: sa.Connection, voucher_id: UUID, *, lock: bool = False) -> Voucher | None:
    """A voucher; `lock`: no other transaction changes it until this one ends."""
    query = sa.select(voucher).where(voucher.c.id == voucher_id)
    row = connection.execute(query.with_for_update() if lock else query).mappings().first()
    return None if row is None else _voucher(row)


def of_person(
    connection: sa.Connection,
    person_id: UUID,
    *,
    comuni: frozenset[str] | None,
    limit: int,
    before: UUID | None,
) -> list[Voucher]:
    """A person's vouchers issued by `comuni` (None: by any), newest first; `before` ended the previous
    page.
    """
    whose = voucher.c.person_id == person_id
    if comuni is not None:
        whose &= voucher.c.comune.in_(comuni)
    return _page(connection, whose, limit, before)


def of_comune(connection: sa.Connection, comune: str, *, limit: int, before: UUID | None) -> list[Voucher]:
    """The vouchers that a comune issued, newest first."""
    return _page(connection, voucher.c.comune == comune, limit, before)


def measures_in(connection: sa.Connection, person_id: UUID, period: Period) -> list[str]:
    """The measures of which the person has a voucher, not expired, with some day in `period`."""
    query = (
        sa.select(voucher.c.measure)
        .distinct()
        .where(
            voucher.c.person_id == person_id,
            voucher.c.state != EXPIRED,
            voucher.c.valid_from <= period.last,
            voucher.c.valid_to >= period.first,
        )
    )
    return list(connection.execute(query.order_by(voucher.c.measure)).scalars())


def assign(
    connection: sa.Connection,
    before: Voucher,
    after: Assignments,
    *,
    chosen_by: str,
    chosen_at: datetime,
) -> int:
    """Write the new assignments of a locked voucher, in its row and as history, and return its new
    version.
    """
    gone = [item for item in before.assignments.items if item not in after.items]
    added = [item for item in after.items if item not in before.assignments.items]
    rows = assignment.c.voucher_id == before.id
    if gone:
        connection.execute(
            sa.update(assignment)
            .where(
                rows, assignment.c.replaced_at.is_(None), assignment.c.valid_from.in_([i.first for i in gone])
            )
            .values(replaced_at=chosen_at)
        )
    ends = _ends(after)
    for item in after.items:
        if item not in added:
            connection.execute(
                sa.update(assignment)
                .where(rows, assignment.c.replaced_at.is_(None), assignment.c.valid_from == item.first)
                .values(valid_to=ends[item.first])
            )
    if added:
        connection.execute(
            sa.insert(assignment),
            [
                {
                    "id": new_id(),
                    "voucher_id": before.id,
                    "provider": item.provider,
                    "valid_from": item.first,
                    "valid_to": ends[item.first],
                    "chosen_by": chosen_by,
                    "chosen_at": chosen_at,
                }
                for item in added
            ],
        )
    changed = (
        sa.update(voucher)
        .where(voucher.c.id == before.id)
        .values(
            state=ACTIVE,
            assigned_from=[item.first for item in after.items],
            assigned_providers=[item.provider for item in after.items],
            version=voucher.c.version + 1,
        )
        .returning(voucher.c.version)
    )
    return int(connection.execute(changed).scalar_one())


def _ends(assignments: Assignments) -> dict[date, date | None]:
    """First day of each assignment → its last day, None for the last one."""
    ends: dict[date, date | None] = {item.first: None for item in assignments.items}
    ends |= {one.first: following.first - timedelta(days=1) for one, following in pairwise(assignments.items)}
    return ends


def _page(
    connection: sa.Connection, whose: sa.ColumnElement[bool], limit: int, before: UUID | None
) -> list[Voucher]:
    query = sa.select(voucher).where(whose).order_by(voucher.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(voucher.c.id < before)
    return [_voucher(row) for row in connection.execute(query).mappings()]


def _voucher(row: Any) -> Voucher:  # noqa: ANN401 - a row's mapping
    return Voucher(
        id=row["id"],
        person_id=row["person_id"],
        comune=row["comune"],
        plan_id=row["plan_id"],
        plan_line_id=row["plan_line_id"],
        measure=row["measure"],
        fund=row["fund"],
        service=row["service"],
        section=row["section"],
        unit=Unit(row["unit"]),
        state=row["state"],
        validity=Period(row["valid_from"], row["valid_to"]),
        balance=balance_of(row),
        assignments=Assignments(
            tuple(
                Assignment(provider, first)
                for first, provider in zip(row["assigned_from"], row["assigned_providers"], strict=True)
            )
        ),
        issued_at=row["issued_at"],
        version=row["version"],
    )


def balance_of(row: Any) -> Balance:  # noqa: ANN401 - a row's mapping
    """The balance in a row of `voucher`."""
    return Balance(
        row["issued"], row["available"], row["reserved"], row["consumed"], row["returned"], row["expired"]
    )


def terms_of(row: Any) -> Terms:  # noqa: ANN401 - a row's mapping
    """The terms in a row of `voucher`."""
    return Terms(
        person_id=row["person_id"],
        comune=row["comune"],
        plan_id=row["plan_id"],
        plan_line_id=row["plan_line_id"],
        measure=row["measure"],
        fund=row["fund"],
        budget_year=row["budget_year"],
        service=row["service"],
        section=row["section"],
        unit=Unit(row["unit"]),
        validity=Period(row["valid_from"], row["valid_to"]),
        issued_by=row["issued_by"],
    )
