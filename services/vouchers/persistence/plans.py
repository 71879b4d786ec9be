"""Plans and their lines. Goals are sealed before they reach a row."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from services.chassis.sealing import Sealer
from services.vouchers.domain.commitment import Unit
from services.vouchers.domain.period import Period
from services.vouchers.domain.plan import DRAFT, SIGNED, Plan, PlanLine
from services.vouchers.persistence.tables import plan, plan_line


class Plans:
    """The plans of the service's database; `sealer` seals and opens their goals."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def add(self, connection: sa.Connection, new: Plan, written_at: datetime) -> None:
        """Insert a draft with its lines, in their order."""
        connection.execute(
            sa.insert(plan).values(
                id=new.id,
                person_id=new.person_id,
                comune=new.comune,
                state=DRAFT,
                valid_from=new.validity.first,
                valid_to=new.validity.last,
                goals_sealed=self._sealer.seal(new.goals or "", _context(new.id)),
                written_by=new.written_by,
                written_at=written_at,
                version=new.version,
            )
        )
        connection.execute(
            sa.insert(plan_line),
            [
                {
                    "id": line.id,
                    "plan_id": new.id,
                    "position": position,
                    "measure": line.measure,
                    "service": line.service,
                    "section": line.section,
                    "unit": line.unit,
                    "quantity": line.quantity,
                }
                for position, line in enumerate(new.lines, start=1)
            ],
        )

    def find(self, connection: sa.Connection, plan_id: UUID) -> Plan | None:
        """A plan with its lines, without its goals."""
        return next(iter(_plans(connection, plan.c.id == plan_id)), None)

    def of_line(self, connection: sa.Connection, line_id: UUID) -> Plan | None:
        """The plan that has this line, without its goals."""
        owner = sa.select(plan_line.c.plan_id).where(plan_line.c.id == line_id).scalar_subquery()
        return next(iter(_plans(connection, plan.c.id == owner)), None)

    def of_person(self, connection: sa.Connection, person_id: UUID) -> list[Plan]:
        """A person's plans, newest first, without their goals."""
        return _plans(connection, plan.c.person_id == person_id)

    def with_goals(self, connection: sa.Connection, found: Plan) -> Plan:
        """The same plan with its goals opened; only for who may read them."""
        sealed = connection.execute(sa.select(plan.c.goals_sealed).where(plan.c.id == found.id)).scalar_one()
        return replace(found, goals=self._sealer.open(sealed, _context(found.id)))

    def sign(
        self,
        connection: sa.Connection,
        plan_id: UUID,
        *,
        signed_by: str,
        signed_with: str,
        signed_at: datetime,
    ) -> bool:
        """Turn a draft into a signed plan; False if it is no draft any more."""
        statement = (
            sa.update(plan)
            .where(plan.c.id == plan_id, plan.c.state == DRAFT)
            .values(
                state=SIGNED,
                signed_by=signed_by,
                signed_with=signed_with,
                signed_at=signed_at,
                version=plan.c.version + 1,
            )
            .returning(plan.c.id)
        )
        return connection.execute(statement).first() is not None


def take_from_line(connection: sa.Connection, line_id: UUID, quantity: int) -> bool:
    """Count `quantity` as issued from a line, if so much of it is left; its row is locked from then on."""
    statement = (
        sa.update(plan_line)
        .where(plan_line.c.id == line_id, plan_line.c.issued + quantity <= plan_line.c.quantity)
        .values(issued=plan_line.c.issued + quantity)
        .returning(plan_line.c.id)
    )
    return connection.execute(statement).first() is not None


def remaining_of_line(connection: sa.Connection, line_id: UUID) -> int:
    """What can still be issued from a line."""
    query = sa.select(plan_line.c.quantity - plan_line.c.issued).where(plan_line.c.id == line_id)
    return int(connection.execute(query).scalar_one())


def _plans(connection: sa.Connection, which: sa.ColumnElement[bool]) -> list[Plan]:
    lines = [column.label(f"line_{column.name}") for column in plan_line.c]
    query = (
        sa.select(plan, *lines)
        .join_from(plan, plan_line, plan_line.c.plan_id == plan.c.id)
        .where(which)
        .order_by(plan.c.id.desc(), plan_line.c.position)
    )
    rows = connection.execute(query).mappings()
    return [_plan(list(group)) for _, group in groupby(rows, key=lambda row: row["id"])]


def _plan(rows: list[Any]) -> Plan:
    first = rows[0]
    return Plan(
        id=first["id"],
        person_id=first["person_id"],
        comune=first["comune"],
        state=first["state"],
        validity=Period(first["valid_from"], first["valid_to"]),
        goals=None,
        lines=tuple(
            PlanLine(
                id=row["line_id"],
                measure=row["line_measure"],
                service=row["line_service"],
                section=row["line_section"],
                unit=Unit(row["line_unit"]),
                quantity=row["line_quantity"],
                issued=row["line_issued"],
            )
            for row in rows
        ),
        written_by=first["written_by"],
        signed_by=first["signed_by"],
        signed_with=first["signed_with"],
        signed_at=first["signed_at"],
        version=first["version"],
    )


def _context(plan_id: UUID) -> str:
    return f"vouchers.plan.goals:{plan_id}"
