"""What follows from bookings: events, and everything that others make of them, each exactly once."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from uuid import UUID, uuid5

from deploy.local.environment import SERVICES
from services.chassis.messaging.dead_letters import DeadLetters
from services.contracts.events.catalogue import BookingCancelled, BookingConfirmed, BookingDelivered
from tests.faults.cooperatives import Cooperative
from tests.faults.findings import Findings
from tests.faults.life import Purse
from tests.faults.site import Site
from tests.support.polling import eventually

_ARRIVAL_SECONDS = 30
_TYPES = {
    "confirmed": (BookingConfirmed,),
    "cancelled": (BookingConfirmed, BookingCancelled),
    "delivered": (BookingConfirmed, BookingDelivered),
}
_HOLDS = {"confirmed": "open", "cancelled": "released", "delivered": "consumed"}
_ENTRIES = {
    "confirmed": ("reserve",),
    "cancelled": ("reserve", "release"),
    "delivered": ("reserve", "consume"),
}
_EVENTS = "SELECT event_id, type, subject FROM outbox WHERE type LIKE 'ambito.catalogue.booking.%'"
_GAPS = """
    SELECT subject, count(*), max(sequence) FROM outbox WHERE type LIKE 'ambito.catalogue.booking.%'
    GROUP BY subject HAVING count(*) <> max(sequence) OR count(DISTINCT sequence) <> count(*)
"""
_FEEDS = "SELECT provider, event_id FROM feed_event ORDER BY xid, position"
_MESSAGE_ID = re.compile(rb"^Message-ID:\s*<([0-9a-f-]+)@", re.IGNORECASE | re.MULTILINE)
_HEADER_BYTES = 4096


def check_effects(
    site: Site, purses: list[Purse], findings: Findings, *, arrival_seconds: float = _ARRIVAL_SECONDS
) -> None:
    """Compares what was acknowledged with what became of it elsewhere.

    `arrival_seconds`: how long cooperatives' systems may take to notice what has reached them, and a worker
    to put aside what nobody can handle: while it has such a message in hand, the message is in no queue.
    """
    events: dict[str, list[tuple[str, str]]] = defaultdict(list)  # booking → (event id, type)
    for event_id, event_type, subject in site.rows("catalogue", _EVENTS):
        events[str(subject)].append((str(event_id), str(event_type)))
    for purse in purses:
        _check_events(purse, events, findings)
        _check_holds(site, purse, findings)
        _check_notices(site, purse, events, findings)
    for subject, count, last in site.rows("catalogue", _GAPS):
        findings.wrong.append(f"booking {subject}: {count} events, numbered up to {last}")
    _check_cooperatives(site, events, findings, arrival_seconds)
    _check_sent_mail(site, findings)
    _check_dead_letters(site, findings, arrival_seconds)
    for service in SERVICES:
        for consumer, count in site.unhandled(service).items():
            findings.lost.append(f"{consumer}: {count} events not handled")


def _check_events(purse: Purse, events: dict[str, list[tuple[str, str]]], findings: Findings) -> None:
    """One event for each thing that happened."""
    for booking, visit in purse.visits.items():
        findings.compare(
            f"event of booking {booking}",
            [model.event_type() for model in _TYPES[visit.state]],
            [event_type for _, event_type in events[booking]],
        )


def _check_holds(site: Site, purse: Purse, findings: Findings) -> None:
    """What vouchers made of it: the hold's state, and one entry in the ledger for each move."""
    query = "SELECT booking_id, state FROM hold WHERE voucher_id = :voucher"
    holds = {
        str(booking): str(state) for booking, state in site.rows("vouchers", query, voucher=purse.voucher)
    }
    query = "SELECT booking_id, kind FROM ledger_entry WHERE voucher_id = :voucher AND booking_id IS NOT NULL"
    entries: dict[str, list[str]] = defaultdict(list)
    for booking, kind in site.rows("vouchers", query, voucher=purse.voucher):
        entries[str(booking)].append(str(kind))
    for booking, visit in purse.visits.items():
        if visit.paid:
            if holds.get(booking) != _HOLDS[visit.state]:
                findings.wrong.append(f"booking {booking} is {visit.state}, its hold {holds.get(booking)}")
            findings.compare(f"entry of booking {booking}", _ENTRIES[visit.state], entries[booking])
    for booking in entries.keys() - purse.visits.keys():  # refused or lapsed after it was held
        findings.compare(f"entry of booking {booking}", ("reserve", "release"), entries[booking])


def _check_notices(
    site: Site, purse: Purse, events: dict[str, list[tuple[str, str]]], findings: Findings
) -> None:
    """One message in her inbox and one e-mail for each thing that happened."""
    wanted = [event_id for booking in purse.visits for event_id, _ in events[booking]]
    for table in ("message", "email"):
        query = f"SELECT event_id FROM {table} WHERE about_id = :person AND notice LIKE 'booking%'"  # noqa: S608
        rows = site.rows("notifications", query, person=purse.citizen.id)
        findings.compare(table, wanted, [str(event_id) for (event_id,) in rows])


def _has_heard(cooperative: Cooperative, events: set[str], lines: set[str]) -> bool:
    everywhere = cooperative.queued & cooperative.notified & set(cooperative.seen)
    return events <= everywhere and lines <= set(cooperative.page.lines)


def _check_cooperatives(
    site: Site, events: dict[str, list[tuple[str, str]]], findings: Findings, arrival_seconds: float
) -> None:
    """Every public event of a cooperative is in its feed once, came to its queue and webhook, and was seen by
    its desk once, in the feed's order; those of bookings came onto its page of the portal in the same way.
    """
    addressed: dict[str, list[str]] = defaultdict(list)
    connected: dict[str, set[str]] = defaultdict(set)  # of them, since the cooperatives' systems are there
    for service in SERVICES:
        query = "SELECT event_id, routing_key, created_at > :since FROM outbox WHERE public"
        for event_id, routing_key, while_there in site.rows(service, query, since=site.connected_at):
            whose = str(routing_key).rpartition(".")[2]
            addressed[whose].append(str(event_id))
            if while_there:
                connected[whose].add(str(event_id))
    addressed.pop("-", None)
    feeds: dict[str, list[str]] = defaultdict(list)
    for provider, event_id in site.rows("notifications", _FEEDS):
        feeds[str(provider)].append(str(event_id))
    for whose in addressed.keys() | feeds.keys():
        findings.compare(f"feed of {whose}", addressed[whose], feeds[whose])
    lines = _lines(events)
    for slug, cooperative in site.cooperatives.items():
        page = cooperative.page
        wanted = connected[slug]
        on_page = {lines[each] for each in wanted if each in lines}
        try:
            eventually(_has_heard, cooperative, wanted, on_page, timeout_seconds=arrival_seconds)
        except AssertionError:
            findings.require(f"queue of {slug}", wanted, cooperative.queued)
            findings.require(f"webhook of {slug}", wanted, cooperative.notified)
            findings.require(f"live feed of {slug}", wanted, set(cooperative.seen))
            findings.require(f"page of {slug}", on_page, set(page.lines))
        _check_seen(f"live feed of {slug}", cooperative.seen, feeds[slug], findings)
        in_order = [lines[each] for each in feeds[slug] if each in lines]
        _check_seen(f"page of {slug}", page.lines, in_order, findings)
        findings.wrong += [f"page of {slug}: {each}" for each in page.wrong]
        received = cooperative.receiver.received
        if received.forged:
            findings.wrong.append(f"{slug}: {received.forged} deliveries badly signed")
        if received.untimely and not site.planted.untimely_webhooks:
            findings.wrong.append(f"{slug}: {received.untimely} deliveries signed at a wrong time")


def _lines(events: dict[str, list[tuple[str, str]]]) -> dict[str, str]:
    """Event id → what stands on the page of a desk, of those that do; as `PortalPage.lines`."""
    kinds = {models[-1].event_type(): kind for kind, models in _TYPES.items()}
    return {
        event_id: f"{booking} {kinds[event_type]}"
        for booking, told in events.items()
        for event_id, event_type in told
        if event_type in kinds
    }


def _check_seen(what: str, came: Sequence[str], feed: list[str], findings: Findings) -> None:
    """What came is what is in the feed, from some place on; `feed` in its order."""
    seen = list(came)
    findings.doubled += [f"{what}: {each}" for each, times in Counter(seen).items() if times > 1]
    once = list(dict.fromkeys(seen))
    if once != feed[len(feed) - len(once) :]:
        findings.wrong.append(f"{what}: its {len(once)} events are not the last of the feed, in its order")


def _check_sent_mail(site: Site, findings: Findings) -> None:
    """What is recorded as sent is in the mail server's hands, and nothing was given up."""
    rows = site.rows("notifications", "SELECT event_id, household_id, state FROM email")
    findings.wrong += [f"e-mail of event {event} is {state}" for event, _, state in rows if state != "sent"]
    recorded = [str(uuid5(UUID(str(event)), str(household))) for event, household, _ in rows]
    findings.require("e-mail", recorded, set(message_ids(site.instance.layout.mail)))


def message_ids(maildir: Path) -> Counter[str]:
    """The first part of each message's Message-ID; twice if it was sent twice."""
    found: Counter[str] = Counter()
    for file in (maildir / "new").iterdir():
        with file.open("rb") as message:
            match = _MESSAGE_ID.search(message.read(_HEADER_BYTES))
        if match is not None:
            found[match[1].decode()] += 1
    return found


def _check_dead_letters(site: Site, findings: Findings, arrival_seconds: float) -> None:
    """All that was planted, with a reason, and nothing else."""
    for service in SERVICES:
        planted = site.planted.poison[service]
        with suppress(AssertionError):
            eventually(
                lambda where, these: these <= _dead_letters(site, where).keys(), service, planted,
                timeout_seconds=arrival_seconds,
            )  # fmt: skip
        letters = _dead_letters(site, service)
        findings.lost += [f"dead letter of {service}: {each}" for each in planted - letters.keys()]
        findings.wrong += [
            f"dead letter of {service}: {each}: {reason}"
            for each, reason in letters.items()
            if each not in planted or not reason
        ]


def _dead_letters(site: Site, service: str) -> dict[str, str]:
    """By message id, why each is there; what cannot be read has its id as its body."""
    found = DeadLetters(site.system.broker_url, service).matching()
    return {letter.message_id or letter.body.decode(): letter.reason for letter in found}
