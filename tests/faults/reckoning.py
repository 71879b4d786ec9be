"""Once all is quiet: what was acknowledged exists once, and everything adds up.

Read from the databases, which no user of the system can do, and from what clients and cooperatives have seen.
"""

from __future__ import annotations

from deploy.local.programs import StartError
from tests.faults.effects import check_effects
from tests.faults.findings import Findings
from tests.faults.life import VISIT_MINUTES, Market, Purse
from tests.faults.site import Site
from tests.system.world import COMUNE, World

_BECAME = frozenset({"confirmed", "cancelled", "delivered"})
_SEATS = """
    SELECT slot.id, slot.taken, slot.capacity, count(booking.id) FROM slot
    LEFT JOIN booking ON booking.slot_id = slot.id AND booking.state IN ('held', 'confirmed', 'delivered')
    GROUP BY slot.id HAVING slot.taken <> count(booking.id) OR slot.taken > slot.capacity
"""
_BOOKED = """
    SELECT voucher_id, sum(minutes) FROM booking
    WHERE state IN ('held', 'confirmed') AND voucher_id IS NOT NULL GROUP BY voucher_id
"""
_COMMANDS = (("catalogue", "reconcile"), ("vouchers", "reconcile"), ("vouchers", "verify-ledger"))


def reckon(site: Site, market: Market, purses: list[Purse], *, thorough: bool = False) -> Findings:
    """Every promise of a run, after the system has come to rest.

    `thorough`: also asks the operations team's commands, which compute everything anew.
    """
    findings = Findings(wrong=[*market.records.wrong, *site.impatient.records.wrong, *site.planted.wrong])
    purses = [*purses, site.impatient.purse]
    site.planted.wrong.clear()
    _check_registrations(site, market, findings)
    world = World(site.instance)  # with new tokens: a run may outlast the old ones
    try:
        officer = world.staff(f"comune_officer:{COMUNE}")
        for purse in purses:
            _check_bookings(site, purse, findings)
            _check_voucher(world, purse, findings)
            verified = officer.ok(officer.post("/ledger-verifications", {"voucher_id": purse.voucher}))
            findings.wrong += [f"ledger of {purse.voucher}: {fault}" for fault in verified["faults"]]
    finally:
        world.close()
    findings.wrong += differences(site)
    check_effects(site, purses, findings)
    if thorough:
        _ask_the_commands(site, findings)
    return findings


def differences(site: Site) -> list[str]:
    """Where seats, bookings and vouchers disagree."""
    found = [
        f"slot {slot}: {taken} of {capacity} seats taken, {count} bookings"
        for slot, taken, capacity, count in site.rows("catalogue", _SEATS)
    ]
    booked = {str(voucher): minutes for voucher, minutes in site.rows("catalogue", _BOOKED)}
    query = "SELECT id, reserved FROM voucher WHERE reserved > 0"
    reserved = {str(voucher): minutes for voucher, minutes in site.rows("vouchers", query)}
    found += [
        f"voucher {voucher}: {reserved.get(voucher, 0)} reserved, {booked.get(voucher, 0)} booked"
        for voucher in booked.keys() | reserved.keys()
        if booked.get(voucher, 0) != reserved.get(voucher, 0)
    ]
    query = (
        "SELECT id FROM voucher WHERE issued <> available + reserved + consumed + returned + expired"
        " OR least(available, reserved, consumed, returned, expired) < 0"
    )
    return found + [
        f"voucher {voucher}: the balance does not add up" for (voucher,) in site.rows("vouchers", query)
    ]


def _check_registrations(site: Site, market: Market, findings: Findings) -> None:
    site.persons |= market.registered
    rows = site.rows("identity", "SELECT id FROM person")
    findings.compare("registration", site.persons, [str(person) for (person,) in rows])


def _check_bookings(site: Site, purse: Purse, findings: Findings) -> None:
    query = "SELECT id, state, voucher_id IS NOT NULL FROM booking WHERE person_id = :person"
    rows = site.rows("catalogue", query, person=purse.citizen.id)
    findings.compare(
        "booking",
        [f"{booking} {visit.state} {visit.paid}" for booking, visit in purse.visits.items()],
        [f"{booking} {state} {paid}" for booking, state, paid in rows if state in _BECAME],
    )


def _check_voucher(world: World, purse: Purse, findings: Findings) -> None:
    """The balance as its owner sees it."""
    who, path = purse.citizen, f"/vouchers/{purse.voucher}"
    answer = who.session.get(path)
    if answer.status_code == 401:  # the run has outlasted her token
        answer = world.sign_in(who.username, who.password).get(path)
    balance = who.session.ok(answer)["balance"]
    paid = [visit.state for visit in purse.visits.values() if visit.paid]
    for part, state in (("reserved", "confirmed"), ("consumed", "delivered")):
        expected = VISIT_MINUTES * paid.count(state)
        if balance[part] != expected:
            findings.wrong.append(f"voucher {purse.voucher}: {balance[part]} {part}, {expected} expected")


def _ask_the_commands(site: Site, findings: Findings) -> None:
    findings.wrong += site.instance.reconcile()
    for service, command in _COMMANDS:
        try:
            site.instance.command(service, command).run()
        except StartError as error:
            findings.wrong.append(str(error))
