"""Accounts of persons and staff, their roles, and API clients."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from services.identity.persistence.personal_data import PersonalData
from services.identity.persistence.tables import account, account_role, api_client, disabled_provider, person


@dataclass(frozen=True, slots=True)
class AccountRecord:
    """An account that may sign in. Staff have roles, `name:scope`; persons a `person_id`."""

    id: UUID
    person_id: UUID | None
    password_hash: str
    roles: frozenset[str]


@dataclass(frozen=True, slots=True)
class ClientRecord:
    """An API client that may sign in, for one cooperative."""

    client_id: str
    provider: str
    secret_index: bytes


def add_for_person(
    connection: sa.Connection,
    data: PersonalData,
    *,
    id: UUID,
    person_id: UUID,
    username: str,
    password_hash: str,
    at: datetime,
) -> bool:
    """Give a person an account; False if another account has the username, and the transaction must be given
    up.
    """
    statement = (
        insert(account)
        .values(
            id=id,
            person_id=person_id,
            username_index=data.index_username(username),
            username_sealed=data.seal(username, "account.username", id),
            password_hash=password_hash,
            created_at=at,
        )
        .on_conflict_do_nothing(index_elements=[account.c.username_index])
        .returning(account.c.id)
    )
    return connection.execute(statement).first() is not None


def find_by_username(connection: sa.Connection, data: PersonalData, username: str) -> AccountRecord | None:
    """The open account with that username, in its normal form."""
    return _find(connection, account.c.username_index == data.index_username(username))


def find(connection: sa.Connection, id: UUID) -> AccountRecord | None:
    """The open account with that id."""
    return _find(connection, account.c.id == id)


def replace_hash(connection: sa.Connection, id: UUID, *, old: str, new: str) -> None:
    """Replace a password's hash, unless the password was changed in the meantime."""
    connection.execute(
        sa.update(account).where(account.c.id == id, account.c.password_hash == old).values(password_hash=new)
    )


def display_names(connection: sa.Connection, data: PersonalData, ids: Collection[UUID]) -> dict[UUID, str]:
    """What to call these accounts in front of people; closed ones too."""
    query = (
        sa.select(
            account.c.id,
            account.c.person_id,
            account.c.display_name_sealed,
            person.c.given_name_sealed,
            person.c.family_name_sealed,
        )
        .outerjoin(person, person.c.id == account.c.person_id)
        .where(account.c.id.in_(ids))
    )
    names = {}
    for row in connection.execute(query):
        if row.person_id is None:
            names[row.id] = data.open(row.display_name_sealed, "account.display_name", row.id)
        else:
            given = data.open(row.given_name_sealed, "person.given_name", row.person_id)
            family = data.open(row.family_name_sealed, "person.family_name", row.person_id)
            names[row.id] = f"{given} {family}"
    return names


def find_client(connection: sa.Connection, client_id: str) -> ClientRecord | None:
    """The open API client with that id, unless its cooperative is disabled."""
    disabled = sa.exists().where(disabled_provider.c.provider == api_client.c.provider)
    query = sa.select(api_client).where(
        api_client.c.client_id == client_id, api_client.c.closed_at.is_(None), ~disabled
    )
    row = connection.execute(query).first()
    return None if row is None else ClientRecord(row.client_id, row.provider, bytes(row.secret_index))


def _find(connection: sa.Connection, condition: sa.ColumnElement[bool]) -> AccountRecord | None:
    roles = (
        sa.select(sa.func.array_agg(account_role.c.role + ":" + account_role.c.scope))
        .where(account_role.c.account_id == account.c.id)
        .scalar_subquery()
        .label("roles")
    )
    query = sa.select(account.c.id, account.c.person_id, account.c.password_hash, roles)
    row = connection.execute(query.where(condition, account.c.closed_at.is_(None))).first()
    if row is None:
        return None
    return AccountRecord(row.id, row.person_id, row.password_hash, frozenset(row.roles or ()))
