"""What is measured at each step: the services' own SQL, recorded from their use cases, for pgbench."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from services.chassis.database import Database
from tests.bench import recording
from tests.bench.growth.targets import COLUMNS
from tests.bench.growth.uses import PLACE, USERNAME, USES, Target
from tests.bench.statements import COUNT, Script, Transaction, as_script, recorded

LOOKUP: Final = (
    f"{COUNT}\\set k random(0, :targets - 1)\n"
    f"SELECT {', '.join(COLUMNS)} FROM bench.target WHERE k = :k \\gset\n"
)
"""The beginning of every script; what it takes is measured alone and subtracted."""


@dataclass(frozen=True)
class Operation:
    """One thing that a service does, as a script for its database."""

    name: str
    service: str
    script: Script


def operations(urls: Mapping[str, str], target: Target) -> list[Operation]:
    """All of them, recorded with `target` and for any other."""
    return list(_operations(urls, target))


def _operations(urls: Mapping[str, str], target: Target) -> Iterator[Operation]:
    with _databases(urls) as databases:
        plain = recording.booking(databases["catalogue"], target, with_voucher=False)
        paid = recording.booking(databases["catalogue"], target, with_voucher=True)
        hold = recording.hold(databases["vouchers"], paid.booking)
        with_voucher = recording.variables(target, paid.booking)
        yield Operation(
            "booking",
            "catalogue",
            _script(plain.transactions, recording.variables(target, plain.booking)),
        )
        yield Operation(
            "booking with voucher: catalogue", "catalogue", _script(paid.transactions, with_voucher)
        )
        yield Operation("booking with voucher: vouchers", "vouchers", _script(hold, with_voucher))
        for name, (service, use) in USES.items():
            with recorded(databases[service]) as transactions:
                use(databases[service], target)
            yield Operation(name, service, _script(transactions, _variables(target)))


def _script(transactions: list[Transaction], values: dict[Any, str]) -> Script:
    return as_script(transactions, values, beginning=LOOKUP)


def _variables(target: Target) -> dict[Any, str]:
    return {
        UUID(target["person"]): ":person::uuid",
        UUID(target["voucher"]): ":voucher::uuid",
        target["person"]: ":person",
        target["comune"]: ":comune",
        target["provider"]: ":provider",
        str(PLACE.xid): ":xid",
        PLACE.position: ":position::bigint",
        USERNAME.encode(): "sha256(convert_to(:person, 'UTF8'))",
    }


@contextmanager
def _databases(urls: Mapping[str, str]) -> Iterator[dict[str, Database]]:
    made = {
        service: Database(url.replace("postgresql://", "postgresql+psycopg://", 1), pool_size=1)
        for service, url in urls.items()
    }
    try:
        yield made
    finally:
        for database in made.values():
            database.dispose()
