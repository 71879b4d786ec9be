"""Public measures out of which vouchers are issued, and which of them exclude each other."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from services.vouchers.domain.commitment import Unit
from services.vouchers.domain.period import Period
from services.vouchers.domain.refusals import IncompatibleMeasures


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of a measure as a person reads it, and the act that it comes from."""

    it: str
    en: str
    source: str


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure: what it is paid from, what its vouchers count, in which sections of the register it pays,
    when it is in force, what it excludes.
    """

    slug: str
    name_it: str
    name_en: str
    fund: str
    unit: Unit
    sections: frozenset[str]
    in_force: Period
    incompatible_with: frozenset[str]
    rules: tuple[Rule, ...]


def refuse_incompatible(wanted: Measure, held: Iterable[Measure]) -> None:
    """Refuse `wanted` if it excludes, or is excluded by, one that the person has in the same period; the
    refusal cites the rule.
    """
    for other in held:
        if other.slug in wanted.incompatible_with or wanted.slug in other.incompatible_with:
            rule = cited_rule(wanted, other)
            raise IncompatibleMeasures(
                measure=wanted.slug,
                measure_it=wanted.name_it,
                measure_en=wanted.name_en,
                held=other.slug,
                held_it=other.name_it,
                held_en=other.name_en,
                rule_it=rule.it,
                rule_en=rule.en,
                source=rule.source,
            )


_EXCLUDING = re.compile(r"incompatib|esclud|exclud", re.IGNORECASE)
_BY_THE_AMBITO = Rule(
    it="Così ha deciso l'ambito.", en="The ambito has decided so.", source="misure dell'ambito"
)


def cited_rule(one: Measure, other: Measure) -> Rule:
    """The rule of either measure by which they exclude each other: one that names the other measure, else one
    that speaks of exclusion at all, else the ambito's own declaration.
    """
    both = [(rule, excluded) for measure, excluded in ((one, other), (other, one)) for rule in measure.rules]
    speaking = [(rule, excluded) for rule, excluded in both if _EXCLUDING.search(f"{rule.it} {rule.en}")]
    naming = [rule for rule, excluded in speaking if _names(rule, excluded)]
    return next(iter([*naming, *(rule for rule, _ in speaking), _BY_THE_AMBITO]))


def _names(rule: Rule, measure: Measure) -> bool:
    text = f"{rule.it} {rule.en}".casefold()
    names = (measure.name_it, measure.name_en, measure.slug.replace("-", " "))
    return any(name.casefold() in text for name in names)
