"""One run: a load, a schedule of faults, rest, and the reckoning."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from tests.faults.fault import Fault
from tests.faults.injector import Injector
from tests.faults.life import MIX
from tests.faults.load import Load
from tests.faults.people import equip, market
from tests.faults.probe import Probe
from tests.faults.reckoning import reckon
from tests.faults.report import Report
from tests.faults.schedule import episodes
from tests.faults.settling import SETTLE_SECONDS, NotSettled, Rest, settle
from tests.faults.site import Site

_SMALL_HOURS = 12
"""Of the last client's voucher, which is therefore used up again and again."""


@dataclass(frozen=True)
class Plan:
    """How long, with which chance, and against whom."""

    faults: Sequence[Fault]
    seconds: float
    seed: int
    clients: int = 20
    pause_seconds: float = 0.05


def run(site: Site, plan: Plan) -> Report:
    """Break what the plan says while everybody goes on."""
    with site.progress.step(f"{plan.clients + 1} citizens, their vouchers, slots"):
        purses = [*equip(site, plan.clients), *equip(site, 1, _SMALL_HOURS)]
        where = market(site)
    probe_purse, clients = purses[0], purses[1:]
    load = Load(where, clients, MIX, plan.pause_seconds)
    injector = Injector(site, Probe(site.instance, where, probe_purse), where.records)
    started = time.monotonic()
    with load:
        injector.run(episodes(plan.faults, plan.seed), plan.seconds)
    lasted = time.monotonic() - started
    unfinished: list[str] = []
    try:
        with site.progress.step("until all is at rest"):
            rested = settle(site)
    except NotSettled as late:
        rested, unfinished = Rest(SETTLE_SECONDS, "never"), [str(late)]
    with site.progress.step("the reckoning"):
        findings = reckon(site, where, purses, thorough=True)
    findings.wrong += unfinished
    return Report(
        seed=plan.seed,
        seconds=lasted,
        rested=rested,
        operations=where.records.acknowledged,
        answers=where.records.seen,
        struck=injector.struck,
        findings=findings,
    )
