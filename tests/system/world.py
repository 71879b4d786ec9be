"""A running installation as tests use it: people, vouchers and slots, all made through the gateway."""

from __future__ import annotations

import json
import ssl
import time
import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from deploy.demo import cast
from deploy.local.instance import TERRITORY, Instance
from deploy.local.setup import DEMO_PASSWORDS, logins
from services.contracts.territory import Territory, read_territory
from tests.support.polling import eventually

COMUNE = "L733"
PLAN_DAYS = 180
BOOKED_DAYS = 30
SOCIAL_POINT = "venegono-inferiore"
MEASURE, FUND, SERVICE, SECTION = "buono-domiciliarita", "fondo-sociale-comunale", "sad-anziani", "anziani"


_SIGNED_IN_SECONDS = 300.0
"""Half as long as an access token is good: a world lasts as long as all the tests that use it."""

_NO_AUTHORITIES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Installations speak plain HTTP; reading all certificate authorities takes longer than a request."""


class Session:
    """Somebody who is signed in. Answers are returned as they come; `ok` insists on success.

    `address`: the loopback address to ask from; wrong attempts from one address count together.
    """

    def __init__(
        self,
        base_url: str,
        token: str = "",
        limits: httpx.Limits | None = None,
        address: str | None = None,
        tls: ssl.SSLContext = _NO_AUTHORITIES,
    ) -> None:
        # Tests want to see what they have just done.
        headers = {"Cache-Control": "no-cache"} | ({"Authorization": f"Bearer {token}"} if token else {})
        self.token = token
        self.http = httpx.Client(
            base_url=base_url,
            headers={"Accept-Language": "en", **headers},
            timeout=15,
            transport=httpx.HTTPTransport(
                verify=tls,
                trust_env=False,
                limits=limits or httpx.Limits(max_connections=100),
                local_address=address,
            ),
            trust_env=False,
        )

    def get(self, path: str, **query: Any) -> httpx.Response:
        return self.http.get(f"/api/v1{path}", params=query)

    def post(self, path: str, body: Any, *, key: str | None = None) -> httpx.Response:
        headers = {"Idempotency-Key": key or str(uuid.uuid4())}
        return self.http.post(f"/api/v1{path}", json=body, headers=headers)

    def ok(self, answer: httpx.Response) -> Any:
        assert answer.is_success, (
            answer.request.method,
            answer.request.url.path,
            answer.status_code,
            answer.text,
        )
        return answer.json() if answer.content else None


@dataclass(frozen=True)
class Citizen:
    """A registered person who signs in herself."""

    id: str
    session: Session
    codice_fiscale: str
    username: str
    password: str


class World:
    """An installation that is up."""

    tls = _NO_AUTHORITIES

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self._sessions: list[Session] = []
        self.anyone = self.session()
        self._staff: dict[str, tuple[Session, float]] = {}
        """By role, with when they sign in again."""

    def session(self, token: str = "", address: str | None = None) -> Session:
        """A session with that token, closed with the world."""
        self._sessions.append(Session(self.instance.base_url, token, address=address, tls=self.tls))
        return self._sessions[-1]

    def close(self) -> None:
        for session in self._sessions:
            session.http.close()

    @cached_property
    def territory(self) -> Territory:
        return read_territory(TERRITORY)

    @cached_property
    def passwords(self) -> dict[str, str]:
        path = self.instance.secrets.passwords(DEMO_PASSWORDS, logins(self.territory))
        return dict(json.loads(path.read_text()))

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.territory.ambito.zone)

    def today(self) -> date:
        return datetime.now(self.zone).date()

    def staff(self, role: str) -> Session:
        """A member of staff who holds that role, and as few others as possible."""
        session, good_until = self._staff.get(role, (self.anyone, 0.0))
        if time.monotonic() >= good_until:
            holders = [account for account in self.territory.staff if role in account.roles]
            account = min(holders, key=lambda found: len(found.roles))
            session = self.sign_in(account.login, self.passwords[account.login])
            self._staff[role] = session, time.monotonic() + _SIGNED_IN_SECONDS
        return session

    def client(self, provider: str) -> Session:
        """The API client of a cooperative."""
        return self.session(self.client_token(provider))

    def client_token(self, provider: str) -> str:
        """A new access token of a cooperative's API client."""
        client = next(found for found in self.territory.api_clients if found.provider == provider)
        body = {"client_id": client.client_id, "client_secret": self.passwords[client.client_id]}
        return str(self.anyone.ok(self.anyone.post("/client-sessions", body))["access_token"])

    def sign_in(self, username: str, password: str) -> Session:
        return self.session(self.token(username, password))

    def token(self, username: str, password: str) -> str:
        """A new access token of somebody with a password."""
        body = {"username": username, "password": password}
        return str(self.anyone.ok(self.anyone.post("/sessions", body))["tokens"]["access_token"])

    def citizen(self, comune: str = COMUNE) -> Citizen:
        """A new citizen, signed in."""
        who = cast.daughter(comune)
        body = {"details": who.details, "username": who.username, "password": who.password}
        person = self.anyone.ok(self.anyone.post("/people", body))
        session = self.sign_in(who.username, who.password)
        return Citizen(person["id"], session, who.details["codice_fiscale"], who.username, who.password)

    def plan(self, citizen: Citizen, minutes: int, **dates: date) -> dict[str, Any]:
        """A signed plan with one line of home care."""
        worker = self.staff(f"social_worker:{COMUNE}")
        today = self.today()
        body = {
            "person_id": citizen.id,
            "valid_from": dates.get("valid_from", today).isoformat(),
            "valid_to": dates.get("valid_to", today + timedelta(days=PLAN_DAYS)).isoformat(),
            "lines": [{"measure": MEASURE, "service": SERVICE, "section": SECTION, "quantity": minutes}],
        }
        key = str(uuid.uuid4())
        # The person's registration may still be on its way to vouchers; the key makes asking again harmless.
        plan = eventually(lambda: self._made(worker.post("/plans", body, key=key)))
        signature = worker.post(f"/plans/{plan['id']}/signature", {"signed_by": "beneficiary"})
        return dict(worker.ok(signature))

    def first_day(self) -> date:
        """From when on tests book: the next days, but after New Year when they would straddle it."""
        tomorrow = self.today() + timedelta(days=1)
        last = tomorrow + timedelta(days=BOOKED_DAYS)
        return tomorrow if last.year == tomorrow.year else date(last.year, 1, 1)

    def voucher(
        self, citizen: Citizen, minutes: int, provider: str | None, *, valid_to: date | None = None
    ) -> str:
        """A voucher of so many minutes, with its cooperative chosen if one is given.

        It is of the fund's year in which tests book, and valid until its end unless `valid_to` says when.
        """
        plan = self.plan(citizen, minutes)
        year = self.first_day().year
        body = {
            "plan_line_id": plan["lines"][0]["id"],
            "quantity": minutes,
            "fund": FUND,
            "year": year,
            "valid_from": max(self.today(), date(year, 1, 1)).isoformat(),
            "valid_to": min(
                valid_to or date(year, 12, 31), self.today() + timedelta(days=PLAN_DAYS)
            ).isoformat(),
        }
        officer = self.staff(f"comune_officer:{COMUNE}")
        voucher = str(officer.ok(officer.post("/vouchers", body))["id"])
        if provider is not None:
            citizen.session.ok(citizen.session.post(f"/vouchers/{voucher}/provider", {"provider": provider}))
        return voucher

    def slots(
        self,
        provider: str | None = None,
        *,
        first_day: date | None = None,
        days: int = 14,
        service: str = SERVICE,
    ) -> list[dict[str, Any]]:
        """Free slots from the first day on which tests book, or from `first_day`, on."""
        start = first_day or self.first_day()
        query = {
            "from_date": start.isoformat(),
            "to_date": (start + timedelta(days=days - 1)).isoformat(),
            "comune": COMUNE,
        }
        if provider is not None:
            query["provider"] = provider
        return list(self.anyone.ok(self.anyone.get(f"/services/{service}/slots", **query))["items"])

    def book(
        self, citizen: Citizen, slot: str, voucher: str | None = None, *, key: str | None = None
    ) -> httpx.Response:
        """Books for the citizen; asks again under the same key while her registration is on its way."""
        key = key or str(uuid.uuid4())
        body = {"slot_id": slot, "voucher_id": voucher}
        answers: list[httpx.Response] = []

        def known() -> bool:
            answers.append(citizen.session.post("/bookings", body, key=key))
            return "not-yet-known" not in answers[-1].text

        eventually(known)
        return answers[-1]

    def balance(self, citizen: Citizen, voucher: str) -> dict[str, int]:
        return dict(citizen.session.ok(citizen.session.get(f"/vouchers/{voucher}"))["balance"])

    @staticmethod
    def _made(answer: httpx.Response) -> Any:
        if answer.status_code == 409 and "not-yet-known" in answer.text:
            return None
        assert answer.is_success, answer.text
        return answer.json()


def problem(answer: httpx.Response) -> tuple[int, str]:
    """The status and the name of a refusal."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return answer.status_code, answer.json()["type"].removeprefix("urn:ambito:problem:")
