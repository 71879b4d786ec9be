"""The story, step by step; what each step must bring about is checked, and the first thing amiss ends it."""

from __future__ import annotations

import mailbox
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from email.header import decode_header, make_header
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from deploy.demo import cast
from deploy.demo.cooperative import Cooperative, reserved
from deploy.demo.portal import Portal, Refused, Unexpected
from deploy.demo.telling import Teller, eventually, expect
from services.contracts.territory import Territory

COMUNE, COMUNE_NAME, SOCIAL_POINT = "L733", "Venegono Inferiore", "venegono-inferiore"
MEASURE, FUND, SERVICE, SECTION = "buono-domiciliarita", "fondo-sociale-comunale", "sad-anziani", "anziani"
MINUTES = 20 * 60
_TUESDAY, _HOUR = 1, 9
_TUESDAYS_AHEAD = 4


@dataclass(frozen=True)
class Setting:
    """Where the story plays: a running installation and what its people were handed."""

    base_url: str
    territory: Territory
    passwords: dict[str, str]
    broker_urls: dict[str, str]  # cooperative → URL of its own broker user
    mail: Path
    locks: Path
    host: str  # an address of ours that webhooks can be sent to


class Story:
    """One telling."""

    def __init__(self, setting: Setting, teller: Teller) -> None:
        self._setting = setting
        self._teller = teller
        self._anyone = Portal(setting.base_url)
        self._zone = ZoneInfo(setting.territory.ambito.zone)

    def tell(self) -> None:
        """All of it. Raises Unexpected at the first thing amiss."""
        operator = self._staff(f"social_point_operator:{SOCIAL_POINT}")
        mother = self._register_mother(operator)
        relative, daughter = self._register_daughter()
        daughter = self._delegate(operator, mother, relative)
        line = self._plan(mother)
        with ExitStack() as open_things:
            slot = open_things.enter_context(self._free_slot())
            voucher = self._issue(line, slot)
            cooperative = open_things.enter_context(closing(self._connect(slot["provider"])))
            self._choose(daughter, voucher, slot)
            booking = self._book(daughter, mother, voucher, slot)
            self._heard(cooperative, booking)
            self._mail(relative)
            self._deliver(daughter, cooperative, booking)
            self._settle(daughter, cooperative, voucher, booking)
        self._teller.end()

    def _register_mother(self, operator: Portal) -> str:
        with self._teller.step(
            f"At the Social Point of {COMUNE_NAME} the operator registers a citizen"
        ) as step:
            while True:
                who = cast.mother(COMUNE)
                request = {
                    "details": who.details,
                    "social_point": SOCIAL_POINT,
                    "identified_by": "identity_card",
                    "consent": True,
                }
                try:
                    made = operator.post("/people/assisted", request)
                    break
                except Refused as refused:
                    if refused.status != 409:
                        raise
            expect(
                made["person"]["registered_at_social_point"] == SOCIAL_POINT,
                "where she was helped to be recorded",
            )
            expect(made["claim_code"], "a one-time code to claim the account later")
            step.tell(f"{who.name}, no e-mail; one-time code printed for her: {made['claim_code'][:4]}…")
        return str(made["person"]["id"])

    def _register_daughter(self) -> tuple[cast.Role, Portal]:
        with self._teller.step("Her daughter registers herself and signs in") as step:
            who = cast.daughter(COMUNE)
            request = {"details": who.details, "username": who.username, "password": who.password}
            self._anyone.post("/people", request)
            step.tell(f"{who.name}, {who.details['email']}")
            return who, self._anyone.signed_in(who.username, who.password)

    def _delegate(self, operator: Portal, mother: str, relative: cast.Role) -> Portal:
        with self._teller.step("The mother lets her daughter act for her; the operator records it") as step:
            request = {
                "principal_id": mother,
                "delegate_codice_fiscale": relative.details["codice_fiscale"],
                "powers": ["read", "choose_provider", "book"],
                "consent": True,
            }
            made = operator.post("/delegations", request)
            expect(made["state"] == "active", "an active delegation")
            step.tell(f"read, choose a cooperative, book; until {made['valid_to']}")
            return self._anyone.signed_in(relative.username, relative.password)

    def _plan(self, mother: str) -> str:
        with self._teller.step("The social worker writes and signs the plan") as step:
            worker = self._staff(f"social_worker:{COMUNE}")
            today = self._today()
            request = {
                "person_id": mother,
                "valid_from": today.isoformat(),
                "valid_to": (today + timedelta(days=180)).isoformat(),
                "goals": "Restare a casa propria.",
                "lines": [{"measure": MEASURE, "service": SERVICE, "section": SECTION, "quantity": MINUTES}],
            }
            plan = worker.post("/plans", request)
            signed = worker.post(f"/plans/{plan['id']}/signature", {"signed_by": "beneficiary"})
            expect(signed["state"] == "signed", "a signed plan")
            step.tell(f"{MINUTES // 60} hours of {SERVICE} by {MEASURE}")
            return str(signed["lines"][0]["id"])

    @contextmanager
    def _free_slot(self) -> Iterator[dict[str, Any]]:
        """A free slot of next Tuesday at 9, or of a later one; its cooperative is reserved for this story."""
        for week in range(_TUESDAYS_AHEAD):
            day = self._today() + timedelta(days=(_TUESDAY - self._today().weekday() - 1) % 7 + 1, weeks=week)
            query = {"from_date": day.isoformat(), "to_date": day.isoformat(), "comune": COMUNE}
            for slot in self._anyone.get(f"/services/{SERVICE}/slots", **query)["items"]:
                starts = datetime.fromisoformat(slot["local_start"])
                if starts.hour != _HOUR or starts.minute or slot["free"] < 1:
                    continue
                with reserved(self._setting.locks, slot["provider"]) as alone:
                    if alone:
                        yield slot
                        return
        raise Unexpected(
            f"expected a free slot on a Tuesday at {_HOUR}:00 with a cooperative that nobody else uses now"
        )

    def _issue(self, line: str, slot: dict[str, Any]) -> str:
        with self._teller.step("The comune issues the voucher against its budget") as step:
            officer = self._staff(f"comune_officer:{COMUNE}")
            service_date = datetime.fromisoformat(slot["local_start"]).date()
            before = self._committed(officer, service_date.year)
            request = {
                "plan_line_id": line,
                "quantity": MINUTES,
                "fund": FUND,
                "year": service_date.year,
                "valid_from": max(self._today(), date(service_date.year, 1, 1)).isoformat(),
                "valid_to": min(
                    self._today() + timedelta(days=180), date(service_date.year, 12, 31)
                ).isoformat(),
            }
            made = officer.post("/vouchers", request)
            balance = made["balance"]
            expect(balance["issued"] == balance["available"] == MINUTES, f"{MINUTES} minutes available")
            expect(self._committed(officer, service_date.year) > before, "the budget to be committed")
            step.tell(f"{MINUTES // 60} hours, valid until {made['valid_to']}")
            return str(made["id"])

    def _connect(self, slug: str) -> Cooperative:
        with self._teller.step(
            "The cooperative's systems connect: queue, webhook, feed; its desk looks live"
        ) as step:
            client = next(c for c in self._setting.territory.api_clients if c.provider == slug)
            portal = self._anyone.signed_in_client(
                client.client_id, self._setting.passwords[client.client_id]
            )
            cooperative = Cooperative(portal, slug, self._setting.broker_urls[slug], self._setting.host)
            step.tell(
                f"{slug}: a process of its own, another AMQP library; receiver at {cooperative.receiver.url}"
            )
            return cooperative

    def _choose(self, daughter: Portal, voucher: str, slot: dict[str, Any]) -> None:
        with self._teller.step("The daughter chooses the cooperative for her mother") as step:
            made = daughter.post(f"/vouchers/{voucher}/provider", {"provider": slot["provider"]})
            expect(made["state"] == "active", "an active voucher")
            step.tell(made["assignments"][-1]["provider"])

    def _book(self, daughter: Portal, mother: str, voucher: str, slot: dict[str, Any]) -> dict[str, Any]:
        with self._teller.step("… and books a visit, Tuesday at 9") as step:
            request = {"slot_id": slot["id"], "person_id": mother, "voucher_id": voucher}
            booking: dict[str, Any] = daughter.post("/bookings", request)
            expect(booking["state"] == "confirmed", "a confirmed booking")
            balance = daughter.get(f"/vouchers/{voucher}")["balance"]
            expect(balance["reserved"] == 60, "60 minutes reserved")
            step.tell(f"{booking['local_start']}, booking {booking['id']}")
            return booking

    def _heard(self, cooperative: Cooperative, booking: dict[str, Any]) -> None:
        with self._teller.step("The cooperative's queue has the event") as step:
            event = cooperative.subscriber.event(booking["id"], ".booking.confirmed.v1")
            expect(event["data"]["provider"] == cooperative.slug, "the event of its own booking")
            step.tell(f"{event['type']} {event['id']}")
        with self._teller.step("Its webhook receiver has verified the signed delivery") as step:
            payload = cooperative.webhook(event["id"])
            expect(payload["data"]["booking_id"] == booking["id"], "the same booking")
            expect(cooperative.receiver.received.forged == 0, "only rightly signed deliveries")
            step.tell(f"webhook-id {event['id']}, type {payload['type']}")
        with self._teller.step("The feed shows the same event, and the desk has seen it come") as step:
            entry = cooperative.feed(event["id"])
            expect(entry["data"] == event["data"], "the same data on the feed as on the queue")
            expect(cooperative.live(event["id"]) == entry, "the same event live as on the feed")
            step.tell(f"id {entry['id']}, sequence {entry['sequence']}")

    def _mail(self, relative: cast.Role) -> None:
        with self._teller.step("The daughter has an e-mail, with a subject that gives nothing away") as step:
            address = relative.details["email"]

            def about_booking() -> str | None:
                box = mailbox.Maildir(self._setting.mail, create=False)
                subjects = [str(make_header(decode_header(m["Subject"]))) for m in box if m["To"] == address]
                return subjects[-1] if subjects else None

            subject = eventually(about_booking, f"an e-mail to {address}")
            expect("domicil" not in subject.lower() and "sad" not in subject.lower(), "a neutral subject")
            step.tell(f"“{subject}”")

    def _deliver(self, daughter: Portal, cooperative: Cooperative, booking: dict[str, Any]) -> None:
        with self._teller.step(
            "The visit takes place; the cooperative proves it with the citizen's code"
        ) as step:
            code = daughter.get(f"/bookings/{booking['id']}/delivery-code")["code"]
            path = f"/bookings/{booking['id']}/delivery"
            wrong = f"{(int(code) + 1) % 1_000_000:06d}"
            try:
                cooperative.portal.post(path, {"code": wrong})
            except Refused as refused:
                step.tell(f"a wrong code is refused: {refused.type}")
            else:
                raise Unexpected("expected a wrong code to be refused")
            done = cooperative.portal.post(path, {"code": code})
            expect(done["state"] == "delivered", "a delivered booking")
            step.tell(f"delivered with {code}")

    def _settle(
        self, daughter: Portal, cooperative: Cooperative, voucher: str, booking: dict[str, Any]
    ) -> None:
        with self._teller.step("The hours are consumed") as step:

            def consumed() -> dict[str, Any] | None:
                balance: dict[str, Any] = daughter.get(f"/vouchers/{voucher}")["balance"]
                return balance if balance["consumed"] == 60 and balance["reserved"] == 0 else None

            balance = eventually(consumed, "60 minutes consumed and none reserved")
            parts = ("available", "reserved", "consumed", "returned", "expired")
            expect(sum(balance[part] for part in parts) == balance["issued"], "the balance to add up")
            step.tell(", ".join(f"{part} {balance[part]}" for part in parts))
        month = booking["local_start"][:7]
        with self._teller.step(f"The month's statement of the cooperative, {month}") as step:
            statement = cooperative.portal.get(f"/providers/{cooperative.slug}/statements/{month}")
            lines = [line for line in statement["lines"] if line["booking_id"] == booking["id"]]
            expect(len(lines) == 1 and lines[0]["quantity"] == 60, "one line of 60 minutes for the visit")
            total = sum(line["quantity"] for line in statement["lines"] if line["unit"] == "minutes")
            expect(total == statement["total_minutes"], "the total to be the sum of its lines")
            step.tell(
                f"{len(statement['lines'])} visits, {statement['total_minutes']} minutes, "
                f"{statement['total_amount']['amount']} EUR"
            )
        with self._teller.step("The ledger is verified") as step:
            officer = self._staff(f"comune_officer:{COMUNE}")
            verified = officer.post("/ledger-verifications", {"voucher_id": voucher})
            expect(not verified["faults"], f"no faults, not {verified['faults']}")
            step.tell(f"{verified['entries']} entries, chain and balance agree")

    def _staff(self, role: str) -> Portal:
        account = next(a for a in self._setting.territory.staff if role in [str(held) for held in a.roles])
        return self._anyone.signed_in(account.login, self._setting.passwords[account.login])

    def _committed(self, officer: Portal, year: int) -> float:
        budgets = officer.get("/budgets", year=year, comune=COMUNE)["items"]
        return next(float(budget["committed"]["amount"]) for budget in budgets if budget["fund"] == FUND)

    def _today(self) -> date:
        return datetime.now(self._zone).date()
