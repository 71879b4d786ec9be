"""Making identity's part of an ambito what its folder says: comuni, Social Points, staff and API clients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from services.chassis.ids import new_id
from services.contracts.access import CITIZEN, PROVIDER_CLIENT, ROLES
from services.contracts.territory import Territory
from services.contracts.territory.accounts import StaffAccount
from services.identity.application.parts import Parts
from services.identity.persistence import territory as kept
from services.identity.persistence.territory import StaffRecord

_STAFF_ROLES: Final = ROLES - {CITIZEN, PROVIDER_CLIENT}
_SHORTEST_SECRET = 16


class TerritoryNotLoadable(Exception):
    """What is missing or wrong, one reason a line. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """How many entries of each sort were new or different."""

    comuni: int
    social_points: int
    staff: int
    api_clients: int


@dataclass(frozen=True, slots=True)
class _Planned:
    """What to do with one staff account; `hashed` is None if its password stays."""

    wanted: StaffAccount
    now: StaffRecord | None
    hashed: str | None

    @property
    def display_name(self) -> str:
        return f"{self.wanted.given_name} {self.wanted.family_name}"

    @property
    def roles(self) -> frozenset[tuple[str, str]]:
        return frozenset(_split(role) for role in self.wanted.roles)

    @property
    def is_change(self) -> bool:
        now = self.now
        return (
            now is None
            or self.hashed is not None
            or not now.is_open
            or now.display_name != self.display_name
            or now.roles != self.roles
        )


def load_territory(parts: Parts, territory: Territory, passwords: Mapping[str, str]) -> Loaded:
    """Bring the database in line with the folder; loading it again changes nothing.

    Staff and API clients that the folder no longer names are closed. Comuni and Social Points stay, because
    persons refer to them. `passwords` has every login's password and every client's secret.

    :raises TerritoryNotLoadable: a password is missing, a secret is short, a role is unknown, a login is
        taken
    """
    _check(territory, passwords)
    plans = _plan_staff(parts, territory, passwords)
    now = parts.clock.now()
    with parts.database.transaction() as connection:
        comuni = kept.save_comuni(connection, {each.belfiore: each.name for each in territory.comuni})
        social_points = sum(
            kept.save_social_point(connection, slug=each.slug, name=each.name.it, comune=each.comune)
            for each in territory.social_points
        )
        staff = sum(_save_staff(parts, connection, plan) for plan in plans if plan.is_change)
        named = {plan.now.id for plan in plans if plan.now is not None}
        added = {parts.data.index_username(each.login) for each in territory.staff}
        gone = [
            each.id
            for each in kept.staff(connection, parts.data)
            if each.is_open and each.id not in named and each.username_index not in added
        ]
        kept.close_staff(connection, gone, now)
        clients = sum(
            kept.save_client(
                connection,
                client_id=each.client_id,
                provider=each.provider,
                name=each.name,
                secret_index=parts.data.index_secret(passwords[each.client_id], each.client_id),
            )
            for each in territory.api_clients
        )
        clients += kept.close_other_clients(
            connection, [each.client_id for each in territory.api_clients], now
        )
    return Loaded(comuni, social_points, staff + len(gone), clients)


def _check(territory: Territory, passwords: Mapping[str, str]) -> None:
    wrong = [f"{each.login}: no password" for each in territory.staff if not passwords.get(each.login)]
    wrong += [
        f"{each.login}: unknown role {role}"
        for each in territory.staff
        for role in each.roles
        if _split(role)[0] not in _STAFF_ROLES
    ]
    wrong += [
        f"{each.client_id}: the secret needs at least {_SHORTEST_SECRET} characters"
        for each in territory.api_clients
        if len(passwords.get(each.client_id, "")) < _SHORTEST_SECRET
    ]
    if wrong:
        raise TerritoryNotLoadable("\n".join(wrong))


def _plan_staff(parts: Parts, territory: Territory, passwords: Mapping[str, str]) -> list[_Planned]:
    """Decide outside the transaction that writes: hashing takes its time."""
    with parts.database.read() as connection:
        known = {each.username_index: each for each in kept.staff(connection, parts.data)}
    plans = []
    for wanted in territory.staff:
        now, password = known.get(parts.data.index_username(wanted.login)), passwords[wanted.login]
        stays = now is not None and parts.passwords.verify(password, now.password_hash)
        plans.append(_Planned(wanted, now, None if stays else parts.passwords.hash(password)))
    return plans


def _save_staff(parts: Parts, connection: sa.Connection, plan: _Planned) -> int:
    if plan.now is None:
        account_id = new_id()
        added = kept.add_staff(
            connection,
            parts.data,
            id=account_id,
            username=plan.wanted.login,
            display_name=plan.display_name,
            password_hash=plan.hashed or "",
            at=parts.clock.now(),
        )
        if not added:
            raise TerritoryNotLoadable(f"{plan.wanted.login}: another account has this username")
    else:
        account_id = plan.now.id
        kept.change_staff(
            connection,
            parts.data,
            account_id,
            display_name=plan.display_name,
            password_hash=plan.hashed or plan.now.password_hash,
        )
    kept.set_roles(connection, account_id, plan.roles)
    return 1


def _split(role: str) -> tuple[str, str]:
    name, _, scope = role.partition(":")
    return name, scope
