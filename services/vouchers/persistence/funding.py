"""The ambito's rules, its measures and the comuni's budgets."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from services.vouchers.domain.assignments import ChangeRules
from services.vouchers.domain.commitment import Unit
from services.vouchers.domain.measures import Measure, Rule
from services.vouchers.domain.period import Period
from services.vouchers.persistence.tables import ambito, budget, measure, plan_line, voucher


@dataclass(frozen=True, slots=True)
class Regulation:
    """What the ambito's regulation decides about vouchers. `maker_checker`: who writes a plan does not issue
    from it.
    """

    ambito: str
    maker_checker: bool
    changes: ChangeRules


@dataclass(frozen=True, slots=True)
class Budget:
    """What a comune may commit out of a fund in a year, and what came of it, in cents."""

    comune: str
    fund: str
    year: int
    allocated_cents: int
    committed_cents: int = 0
    consumed_cents: int = 0


def find_regulation(connection: sa.Connection) -> Regulation | None:
    """The regulation of the ambito, None before a territory was loaded."""
    row = connection.execute(sa.select(ambito)).first()
    if row is None:
        return None
    return Regulation(
        row.slug, row.maker_checker, ChangeRules(row.change_notice_days, row.change_interval_days)
    )


def put_regulation(connection: sa.Connection, regulation: Regulation) -> None:
    """Insert or replace the regulation."""
    values = {
        "slug": regulation.ambito,
        "maker_checker": regulation.maker_checker,
        "change_notice_days": regulation.changes.notice_days,
        "change_interval_days": regulation.changes.minimum_interval_days,
    }
    _put(connection, ambito, values)


def find_measures(connection: sa.Connection, slugs: list[str] | None = None) -> dict[str, Measure]:
    """Measures by slug: those named, or all."""
    query = sa.select(measure)
    if slugs is not None:
        query = query.where(measure.c.slug.in_(slugs))
    return {row["slug"]: _measure(row) for row in connection.execute(query).mappings()}


def put_measure(connection: sa.Connection, given: Measure) -> None:
    """Insert or replace a measure."""
    values = {
        "slug": given.slug,
        "name_it": given.name_it,
        "name_en": given.name_en,
        "fund": given.fund,
        "unit": given.unit,
        "sections": sorted(given.sections),
        "valid_from": given.in_force.first,
        "valid_to": given.in_force.last,
        "incompatible_with": sorted(given.incompatible_with),
        "rules": [asdict(rule) for rule in given.rules],
    }
    _put(connection, measure, values)


def is_used(connection: sa.Connection, measure_slug: str) -> bool:
    """Whether some plan has a line of this measure."""
    return connection.execute(sa.select(sa.exists().where(plan_line.c.measure == measure_slug))).scalar_one()


def commit(connection: sa.Connection, comune: str, fund: str, year: int, cents: int) -> bool:
    """Commit `cents` of a budget if so much of it is left: one conditional statement, so that no two issuers
    can spend the same cent, however many there are. False: it does not suffice, or does not exist.
    """
    return (
        connection.execute(
            _COMMIT, {"of_comune": comune, "of_fund": fund, "of_year": year, "cents": cents}
        ).first()
        is not None
    )


def find_budget(connection: sa.Connection, comune: str, fund: str, year: int) -> Budget | None:
    """One budget, without what was consumed of it."""
    query = sa.select(budget).where(budget.c.comune == comune, budget.c.fund == fund, budget.c.year == year)
    row = connection.execute(query).first()
    return None if row is None else Budget(*row)


def list_budgets(connection: sa.Connection, comuni: frozenset[str] | None, year: int | None) -> list[Budget]:
    """Budgets of `comuni` (None: of all) in `year` (None: every one), with what their vouchers consumed."""
    consumed = (
        sa.select(sa.func.coalesce(sa.func.sum(voucher.c.consumed_cents), 0))
        .where(
            voucher.c.comune == budget.c.comune,
            voucher.c.fund == budget.c.fund,
            voucher.c.budget_year == budget.c.year,
        )
        .scalar_subquery()
    )
    query = sa.select(budget, sa.cast(consumed, sa.BigInteger)).order_by(*budget.primary_key.columns)
    if comuni is not None:
        query = query.where(budget.c.comune.in_(comuni))
    if year is not None:
        query = query.where(budget.c.year == year)
    return [Budget(*row) for row in connection.execute(query)]


def all_budgets(connection: sa.Connection) -> list[Budget]:
    """Every budget, without what was consumed of it."""
    return [Budget(*row) for row in connection.execute(sa.select(budget))]


def allocate(connection: sa.Connection, given: Budget) -> bool:
    """Insert a budget or set its allocation; False if more is committed already than `given` allocates."""
    statement = insert(budget).values(
        comune=given.comune, fund=given.fund, year=given.year, allocated_cents=given.allocated_cents
    )
    statement = statement.on_conflict_do_update(
        index_elements=list(budget.primary_key.columns),
        set_={"allocated_cents": statement.excluded.allocated_cents},
        where=budget.c.committed_cents <= statement.excluded.allocated_cents,
    )
    return connection.execute(statement.returning(budget.c.year)).first() is not None


def _commit_statement() -> Any:  # noqa: ANN401 - SQLAlchemy's type of an UPDATE with RETURNING
    cents = sa.bindparam("cents", type_=sa.BigInteger)
    return (
        sa.update(budget)
        .where(
            budget.c.comune == sa.bindparam("of_comune", type_=sa.Text),
            budget.c.fund == sa.bindparam("of_fund", type_=sa.Text),
            budget.c.year == sa.bindparam("of_year", type_=sa.Integer),
            budget.c.committed_cents + cents <= budget.c.allocated_cents,
        )
        .values(committed_cents=budget.c.committed_cents + cents)
        .returning(budget.c.committed_cents)
    )


_COMMIT = _commit_statement()


def _put(connection: sa.Connection, table: sa.Table, values: dict[str, Any]) -> None:
    (key,) = table.primary_key.columns
    statement = insert(table).values(values)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=[key], set_={name: statement.excluded[name] for name in values if name != key.name}
        )
    )


def _measure(row: Any) -> Measure:  # noqa: ANN401 - a row's mapping
    return Measure(
        slug=row["slug"],
        name_it=row["name_it"],
        name_en=row["name_en"],
        fund=row["fund"],
        unit=Unit(row["unit"]),
        sections=frozenset(row["sections"]),
        in_force=Period(row["valid_from"], row["valid_to"]),
        incompatible_with=frozenset(row["incompatible_with"]),
        rules=tuple(Rule(**rule) for rule in row["rules"]),
    )
