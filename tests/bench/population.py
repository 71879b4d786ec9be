"""Who books what: residents with vouchers, and slots with seats enough for the whole run.

Everything takes the ways it takes in life: residents through identity's own command; plans, vouchers and
choices of a cooperative through the gateway. Two things differ. The territory is Tradate with larger budgets
and more seats, because a run would use its own up. And the residents' tokens are signed here with the
installation's key, with the claims that identity gives to a person, because letting hundreds of people choose
a password takes minutes of argon2.
"""

from __future__ import annotations

import re
import shutil
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Any

import httpx
import psycopg

from deploy.citizens.generate import generate
from deploy.local.instance import TERRITORY, Instance
from deploy.local.secrets import SIGNING_KEY_ID
from services.chassis.tokens import TokenSigner
from services.contracts.access import CITIZEN, COMUNE_OFFICER, SOCIAL_WORKER
from tests.bench.load import Request, get, post
from tests.support.polling import eventually
from tests.system.world import FUND, MEASURE, SECTION, SERVICE, World

RESIDENTS = 128
REQUESTS = 4096
_MINUTES = 1_000_000
_SEATS = 10_000
_BUDGET_CENTS = 10**12
_AT_ONCE = 8
_LAST_DAYS = 7
_MONTH_DAYS = 31
_KNOWN = {
    "vouchers": "SELECT count(*) FROM person WHERE id = ANY(%s)",
    "notifications": "SELECT count(*) FROM recipient WHERE person_id = ANY(%s)",
}
# Each has a slip in a word of the catalogue.
MISSPELT = ("assitenza", "domicliare", "anzinai", "famigila", "educativo domicilare", "pulizei")


def roomy_territory(folder: Path, seats: int = _SEATS) -> Path:
    """Tradate with budgets that no run uses up and `seats` in every slot, as a new folder below `folder`."""
    roomy = folder / "territory"
    shutil.copytree(TERRITORY, roomy)
    for file, what, quantity in (("budgets", "cents", _BUDGET_CENTS), ("offerings", "capacity", seats)):
        path = roomy / f"{file}.yaml"
        text, changed = re.subn(rf"\b{what}: \d+", f"{what}: {quantity}", path.read_text())
        assert changed, f"{path} says {what} no more"
        path.write_text(text)
    return roomy


@dataclass(frozen=True)
class Resident:
    """Somebody with a token, a voucher and a chosen cooperative."""

    id: str
    comune: str
    token: str
    voucher: str
    provider: str


class Population:
    """Makes everything when it is made; then gives requests."""

    def __init__(self, instance: Instance, admin_url: str) -> None:
        """`admin_url`: libpq URL of a superuser of the databases' server, any database."""
        self.world = World(instance)
        self._instance = instance
        self._server = admin_url.rsplit("/", 1)[0]
        self._random = Random(1)  # noqa: S311 - nothing secret is drawn
        self._signer = TokenSigner(instance.secrets.signing_key().read_bytes(), SIGNING_KEY_ID)
        self._http = httpx.Client(base_url=f"{instance.base_url}/api/v1", timeout=30, trust_env=False)
        persons = self._load_persons()
        self.slots = self._find_slots()
        self._officials = {
            (role, comune.belfiore): self.world.staff(f"{role}:{comune.belfiore}").token
            for role in (SOCIAL_WORKER, COMUNE_OFFICER)
            for comune in self.world.territory.comuni
        }
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            self.residents = list(pool.map(self._equip, persons))
        for service in ("catalogue", "vouchers"):  # what autovacuum does within a minute
            self._execute(service, "VACUUM ANALYZE")

    @cached_property
    def first_day(self) -> date:
        """From which on visits are booked: tomorrow, or in the last days of a year 1 January."""
        tomorrow = self.world.today() + timedelta(days=1)
        week_later = tomorrow + timedelta(days=_LAST_DAYS)
        return tomorrow if week_later.year == tomorrow.year else date(week_later.year, 1, 1)

    def bookings(self, *, with_voucher: bool, provider: str | None = None) -> list[Request]:
        """Residents at random, each booking with the cooperative of her choice; those of one cooperative only
        if it is named.
        """
        residents = [each for each in self.residents if provider in {None, each.provider}]
        chosen = self._random.choices(residents, k=REQUESTS)
        return [self._booking(resident, with_voucher=with_voucher) for resident in chosen]

    def hot_bookings(self) -> list[Request]:
        """One resident, again and again the same slot with the same voucher."""
        return [self._booking(self._random.choice(self.residents), with_voucher=True)]

    def _booking(self, resident: Resident, *, with_voucher: bool) -> Request:
        slot = self._random.choice(self.slots[resident.comune, resident.provider])
        body = {"slot_id": slot["id"]} | ({"voucher_id": resident.voucher} if with_voucher else {})
        return post("/api/v1/bookings", body, resident.token)

    def months(self) -> list[tuple[str, str]]:
        """(service, comune): every service of the territory, in some comune."""
        comuni = [comune.belfiore for comune in self.world.territory.comuni]
        return [(service.slug, self._random.choice(comuni)) for service in self.world.territory.services]

    def month_requests(self, months: Sequence[tuple[str, str]], *, anew: bool = False) -> list[Request]:
        first, last = self.month
        period = f"from_date={first}&to_date={last}"
        return [
            get(f"/api/v1/services/{service}/slots?{period}&comune={comune}", anew=anew)
            for service, comune in months
        ]

    @property
    def month(self) -> tuple[date, date]:
        """First and last day of the month that is asked for."""
        return self.first_day, self.first_day + timedelta(days=_MONTH_DAYS - 1)

    def searches(self, *, anew: bool = False) -> list[Request]:
        """Each finds something; AssertionError if the catalogue has changed so that one does not."""
        for text in MISSPELT:
            assert self._http.get("/services", params={"q": text}).json()["total"] > 0, text
        return [get("/api/v1/services?q=" + text.replace(" ", "%20"), anew=anew) for text in MISSPELT]

    def providers(self) -> list[str]:
        """Cooperatives that are booked with."""
        return sorted({resident.provider for resident in self.residents})

    def targets(self, count: int) -> list[dict[str, str]]:
        """For pgbench: `count` residents, each with a slot of her own as far as there are so many."""
        found, used = [], set()
        for resident in self._random.sample(self.residents, count):
            slots = self.slots[resident.comune, resident.provider]
            slot = next((each for each in slots if each["id"] not in used), slots[0])
            used.add(slot["id"])
            found.append(
                {
                    "person": resident.id,
                    "voucher": resident.voucher,
                    "provider": resident.provider,
                    "slot": slot["id"],
                    "service_date": slot["local_start"][:10],
                }
            )
        return found

    def _load_persons(self) -> list[tuple[str, str]]:
        """(id, comune) of residents, known to every service."""
        file = self._instance.layout.var / "bench-residents.ndjson"
        territory, today = self.world.territory, self.world.today()
        seed = uuid.uuid4().int  # others than of a former run in the same installation
        with file.open("w") as lines:
            for citizen in generate(territory, count=RESIDENTS, seed=seed, on=today):
                lines.write(citizen.model_dump_json() + "\n")
        before = set(self._query("catalogue", "SELECT id FROM person"))
        self._instance.command("identity", "load-citizens", str(file)).run()
        # Not all of them, if one has the codice fiscale of somebody from a former run.
        registered = len(self._query("identity", "SELECT id FROM person")) - len(before)

        def arrived() -> list[tuple[str, str]] | None:
            everybody = self._query("catalogue", "SELECT id, comune FROM person")
            new = [row for row in everybody if row[:1] not in before]
            ids = [row[0] for row in new]
            for service, query in _KNOWN.items():
                ((there,),) = self._query(service, query, ids)
                if there < registered:
                    return None
            return [(str(person), comune) for person, comune in new]

        return eventually(arrived, timeout_seconds=60)

    def _find_slots(self) -> Mapping[tuple[str, str], list[dict[str, Any]]]:
        """By comune and cooperative, within a fund's year."""
        last = min(self.first_day + timedelta(days=29), date(self.first_day.year, 12, 31))
        found = defaultdict(list)
        for comune in (each.belfiore for each in self.world.territory.comuni):
            query = {"from_date": str(self.first_day), "to_date": str(last), "comune": comune}
            for slot in self._ok(self._http.get(f"/services/{SERVICE}/slots", params=query))["items"]:
                found[comune, slot["provider"]].append(slot)
        return found

    def _equip(self, person: tuple[str, str]) -> Resident:
        person_id, comune = person
        claims = {"sub": str(uuid.uuid4()), "roles": [f"{CITIZEN}:*"], "person": person_id, "acting_for": {}}
        token = self._signer.sign(claims, lifetime_seconds=24 * 3600)
        worker, officer = self._officials[SOCIAL_WORKER, comune], self._officials[COMUNE_OFFICER, comune]
        year_end = date(self.first_day.year, 12, 31).isoformat()
        validity = {"valid_from": self.first_day.isoformat(), "valid_to": year_end}
        line = {"measure": MEASURE, "service": SERVICE, "section": SECTION, "quantity": _MINUTES}
        plan = self._post("/plans", {"person_id": person_id, **validity, "lines": [line]}, worker)
        self._post(f"/plans/{plan['id']}/signature", {"signed_by": "beneficiary"}, worker)
        issue = {"plan_line_id": plan["lines"][0]["id"], "quantity": _MINUTES, "fund": FUND}
        voucher = self._post("/vouchers", {**issue, "year": self.first_day.year, **validity}, officer)["id"]
        choices = sorted(provider for where, provider in self.slots if where == comune)
        provider = choices[uuid.UUID(person_id).int % len(choices)]
        self._post(f"/vouchers/{voucher}/provider", {"provider": provider}, token)
        return Resident(person_id, comune, token, voucher, provider)

    def _post(self, path: str, body: dict[str, Any], token: str) -> Any:
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": str(uuid.uuid4())}
        return self._ok(self._http.post(path, json=body, headers=headers))

    @staticmethod
    def _ok(answer: httpx.Response) -> Any:
        assert answer.is_success, (answer.request.url.path, answer.status_code, answer.text)
        return answer.json()

    def _query(self, service: str, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(f"{self._server}/{service}") as connection:
            return connection.execute(query, parameters or None).fetchall()

    def _execute(self, service: str, statement: str, *parameters: object) -> None:
        with psycopg.connect(f"{self._server}/{service}", autocommit=True) as connection:
            connection.execute(statement, parameters or None)
