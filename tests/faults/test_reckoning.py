"""The reckoning finds what is amiss: each promise is broken once, on the clients' side or in a database."""

from __future__ import annotations

from tests.faults.effects import check_effects
from tests.faults.findings import Findings
from tests.faults.life import Visit
from tests.faults.load import Load
from tests.faults.people import equip, market
from tests.faults.reckoning import reckon
from tests.faults.settling import settle
from tests.faults.site import Site
from tests.support.polling import eventually

NOBODY = "01929b6e-7a8b-7c3d-9e4f-5a6b7c8d9e40"


def test_findings_tell_lost_from_doubled() -> None:
    findings = Findings()
    findings.compare("thing", ["a", "b"], ["b", "b", "c"])
    findings.require("other", ["d", "e"], {"e", "f"})
    assert findings == Findings(lost=["thing: a", "other: d"], doubled=["thing: b", "thing: c"])
    assert findings
    assert not Findings()


def test_what_was_acknowledged_and_is_not_there_is_found(site: Site) -> None:
    purses = equip(site, 1, hours=100)
    load = Load(market(site), purses, {"book with a voucher": 1, "cancel": 1})
    with load:
        eventually(lambda: load.acknowledged >= 5, timeout_seconds=60)
    settle(site)
    assert reckon(site, load.market, purses) == Findings()
    [purse] = purses
    booking, visit = next(iter(purse.visits.items()))

    purse.visits[NOBODY] = Visit(paid=True)
    found = reckon(site, load.market, purses)
    assert f"booking: {NOBODY} confirmed True" in found.lost
    assert f"booking {NOBODY} is confirmed, its hold None" in found.wrong
    del purse.visits[NOBODY]

    del purse.visits[booking]
    found = reckon(site, load.market, purses)
    assert f"booking: {booking} {visit.state} True" in found.doubled
    purse.visits[booking] = visit

    site.persons.add(NOBODY)
    assert f"registration: {NOBODY}" in reckon(site, load.market, purses).lost
    site.persons.remove(NOBODY)

    site.planted.poison["identity"].add(NOBODY)
    effects = Findings()
    check_effects(site, purses, effects, arrival_seconds=0)
    assert f"dead letter of identity: {NOBODY}" in effects.lost
    site.planted.poison["identity"].remove(NOBODY)

    for cooperative in site.cooperatives.values():
        cooperative.reader.events.clear()
    effects = Findings()
    check_effects(site, purses, effects, arrival_seconds=0)
    assert any(each.startswith(f"queue of {purse.provider}: ") for each in effects.lost)
    for cooperative in site.cooperatives.values():
        cooperative.reader.events.extend(cooperative.notified)

    cooperative = site.cooperatives[purse.provider]
    for kept, place in ((cooperative.seen, "live feed"), (cooperative.page.lines, "page")):
        seen = list(kept)
        for broken, what in (
            (seen[:-1], "lost"),
            ([*seen, seen[0]], "doubled"),
            ([*seen[1:], seen[0]], "wrong"),
        ):
            kept[:] = broken
            effects = Findings()
            check_effects(site, purses, effects, arrival_seconds=0)
            assert any(each.startswith(f"{place} of {purse.provider}: ") for each in getattr(effects, what))
        kept[:] = seen

    cooperative.page.wrong.append("GET /portal/: 500")
    assert f"page of {purse.provider}: GET /portal/: 500" in reckon(site, load.market, purses).wrong
    cooperative.page.wrong.clear()
