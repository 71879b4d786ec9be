"""A territory's measures, budgets and rules are taken over from its data."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from services.contracts.territory import Territory
from services.contracts.territory.funding import Measure as MeasureData
from services.vouchers.domain.assignments import ChangeRules
from services.vouchers.domain.commitment import Unit
from services.vouchers.domain.measures import Measure, Rule
from services.vouchers.domain.period import Period
from services.vouchers.domain.refusals import AllocationBelowCommitted, MeasureUnitFixed, OtherTerritory
from services.vouchers.persistence import funding
from services.vouchers.persistence.funding import Budget, Regulation


@dataclass(frozen=True, slots=True)
class Loaded:
    """How many measures and budgets are new or changed. Zero twice: the data were there already."""

    measures: int
    budgets: int


def load_territory(connection: Connection, territory: Territory) -> Loaded:
    """Take over measures, budgets and rules; again changes nothing. What the data no longer name stays.

    Refuses with OtherTerritory, MeasureUnitFixed (a measure in use would count something else) and
    AllocationBelowCommitted; nothing is loaded then.
    """
    _load_regulation(connection, territory)
    return Loaded(_load_measures(connection, territory), _load_budgets(connection, territory))


def _load_regulation(connection: Connection, territory: Territory) -> None:
    present = funding.find_regulation(connection)
    rules = territory.ambito.rules.vouchers
    given = Regulation(
        territory.ambito.slug,
        rules.maker_checker,
        ChangeRules(rules.provider_change_notice_days, rules.provider_change_minimum_interval_days),
    )
    if present is not None and present.ambito != given.ambito:
        raise OtherTerritory(present=present.ambito, given=given.ambito)
    if present != given:
        funding.put_regulation(connection, given)


def _load_measures(connection: Connection, territory: Territory) -> int:
    present = funding.find_measures(connection)
    changed = [given for data in territory.measures if present.get(data.slug) != (given := _measure(data))]
    for given in changed:
        known = present.get(given.slug)
        if known is not None and known.unit != given.unit and funding.is_used(connection, given.slug):
            raise MeasureUnitFixed(measure=given.slug)
        funding.put_measure(connection, given)
    return len(changed)


def _load_budgets(connection: Connection, territory: Territory) -> int:
    present = {
        (budget.comune, budget.fund, budget.year): budget.allocated_cents
        for budget in funding.list_budgets(connection, None, None)
    }
    changed = 0
    for data in territory.budgets:
        if present.get((data.comune, data.fund, data.year)) == data.cents:
            continue
        given = Budget(data.comune, data.fund, data.year, data.cents)
        if not funding.allocate(connection, given):
            found = funding.find_budget(connection, given.comune, given.fund, given.year)
            raise AllocationBelowCommitted(
                comune=given.comune,
                fund=given.fund,
                year=given.year,
                allocated_cents=given.allocated_cents,
                committed_cents=None if found is None else found.committed_cents,
            )
        changed += 1
    return changed


def _measure(data: MeasureData) -> Measure:
    return Measure(
        slug=data.slug,
        name_it=data.name.it,
        name_en=data.name.en,
        fund=data.fund,
        unit=Unit(data.unit),
        sections=frozenset(data.sections),
        in_force=Period(data.valid_from, data.valid_to),
        incompatible_with=frozenset(data.incompatible_with),
        rules=tuple(Rule(rule.text.it, rule.text.en, rule.source) for rule in data.rules),
    )
