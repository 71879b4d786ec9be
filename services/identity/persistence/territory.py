"""The ambito's comuni, Social Points, staff and API clients, as its folder says."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from services.identity.persistence.personal_data import PersonalData
from services.identity.persistence.tables import (
    account,
    account_role,
    api_client,
    comune,
    session,
    social_point,
)


@dataclass(frozen=True, slots=True)
class StaffRecord:
    """A staff account as kept, closed ones included."""

    id: UUID
    username_index: bytes
    display_name: str
    password_hash: str
    roles: frozenset[tuple[str, str]]
    is_open: bool


def place_names(connection: sa.Connection) -> dict[tuple[bool, str], str]:
    """What offices are called: (whether it is a Social Point, slug or Belfiore code) → name."""
    comuni = connection.execute(sa.select(comune.c.belfiore, comune.c.name))
    social_points = connection.execute(sa.select(social_point.c.slug, social_point.c.name))
    return {(False, code): name for code, name in comuni} | {
        (True, slug): name for slug, name in social_points
    }


def save_comuni(connection: sa.Connection, names: Mapping[str, str]) -> int:
    """Make these comuni known (Belfiore code → name); how many were new or renamed."""
    return sum(
        _upsert(connection, comune, "belfiore", belfiore=code, name=name) for code, name in names.items()
    )


def save_social_point(connection: sa.Connection, *, slug: str, name: str, comune: str) -> int:
    """Make a Social Point known; 1 if it was new or different, else 0."""
    return _upsert(connection, social_point, "slug", slug=slug, name=name, comune=comune)


def save_client(
    connection: sa.Connection, *, client_id: str, provider: str, name: str, secret_index: bytes
) -> int:
    """Make an API client known and open; 1 if it was new or different, else 0."""
    return _upsert(
        connection,
        api_client,
        "client_id",
        client_id=client_id,
        provider=provider,
        name=name,
        secret_index=secret_index,
        closed_at=None,
    )


def close_other_clients(connection: sa.Connection, keep: Collection[str], at: datetime) -> int:
    """Close every API client but these; how many were open."""
    others = api_client.c.client_id.not_in(keep), api_client.c.closed_at.is_(None)
    return connection.execute(sa.update(api_client).where(*others).values(closed_at=at)).rowcount


def staff(connection: sa.Connection, data: PersonalData) -> list[StaffRecord]:
    """All staff accounts."""
    roles: dict[UUID, set[tuple[str, str]]] = {}
    for row in connection.execute(sa.select(account_role)):
        roles.setdefault(row.account_id, set()).add((row.role, row.scope))
    return [
        StaffRecord(
            id=row.id,
            username_index=bytes(row.username_index),
            display_name=data.open(row.display_name_sealed, "account.display_name", row.id),
            password_hash=row.password_hash,
            roles=frozenset(roles.get(row.id, ())),
            is_open=row.closed_at is None,
        )
        for row in connection.execute(sa.select(account).where(account.c.person_id.is_(None)))
    ]


def add_staff(
    connection: sa.Connection,
    data: PersonalData,
    *,
    id: UUID,
    username: str,
    display_name: str,
    password_hash: str,
    at: datetime,
) -> bool:
    """Write a staff account without roles yet; False if a person has the username."""
    statement = (
        insert(account)
        .values(
            id=id,
            username_index=data.index_username(username),
            username_sealed=data.seal(username, "account.username", id),
            display_name_sealed=data.seal(display_name, "account.display_name", id),
            password_hash=password_hash,
            created_at=at,
        )
        .on_conflict_do_nothing()
        .returning(account.c.id)
    )
    return connection.execute(statement).first() is not None


def change_staff(
    connection: sa.Connection, data: PersonalData, id: UUID, *, display_name: str, password_hash: str
) -> None:
    """Rename an account, set its password, and open it if it was closed."""
    values = {
        "display_name_sealed": data.seal(display_name, "account.display_name", id),
        "password_hash": password_hash,
        "closed_at": None,
    }
    connection.execute(sa.update(account).where(account.c.id == id).values(values))


def set_roles(connection: sa.Connection, id: UUID, roles: Collection[tuple[str, str]]) -> None:
    """Replace an account's roles, pairs of name and scope."""
    connection.execute(sa.delete(account_role).where(account_role.c.account_id == id))
    rows = [{"account_id": id, "role": role, "scope": scope} for role, scope in sorted(roles)]
    connection.execute(sa.insert(account_role), rows)


def close_staff(connection: sa.Connection, ids: Collection[UUID], at: datetime) -> None:
    """Close staff accounts and end their sessions."""
    connection.execute(sa.update(account).where(account.c.id.in_(ids)).values(closed_at=at))
    living = session.c.account_id.in_(ids), session.c.revoked_at.is_(None)
    connection.execute(
        sa.update(session).where(*living).values(revoked_at=at, revoked_because="account closed")
    )


def _upsert(connection: sa.Connection, table: sa.Table, key: str, **values: Any) -> int:
    statement = insert(table).values(values)
    others = {name: statement.excluded[name] for name in values if name != key}
    differs = sa.or_(*(table.c[name].is_distinct_from(new) for name, new in others.items()))
    written = connection.execute(
        statement.on_conflict_do_update(index_elements=[table.c[key]], set_=others, where=differs).returning(
            table.c[key]
        )
    )
    return len(written.all())
