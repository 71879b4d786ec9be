"""Who looked at a person's file."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import sqlalchemy as sa

from services.chassis.caller import Caller, Role
from services.chassis.refusal import Forbidden, InvalidField
from services.contracts.access import READ, SOCIAL_POINT_OPERATOR
from services.identity.application.files import open_file
from services.identity.application.parts import Parts
from services.identity.persistence import accounts, reads, territory
from services.identity.persistence.reads import ReadRecord

_MOST = 200
_USUAL = 50


def list_reads(parts: Parts, caller: Caller, *, person_id: UUID, limit: int) -> list[ReadRecord]:
    """The last looks at her file, here and in other services, newest first, each with the reader's name and
    office in place of the subject; with the office or the role alone if nobody here is the reader.

    For the person herself and for whom she lets read; their own looks are written down as well.

    :raises Unauthenticated, Forbidden: the caller is somebody else
    :raises InvalidField: a limit outside 1 to 200 (0: 50)
    """
    caller.require_known()
    if not caller.may_act_for(person_id, READ):
        raise Forbidden
    if not 0 <= limit <= _MOST:
        raise InvalidField(
            field="limit", it="Deve essere tra 1 e {most}.", en="It must be between 1 and {most}.", most=_MOST
        )
    with parts.database.transaction() as connection:
        open_file(parts, connection, caller, person_id, operation="ListReads")
        found = reads.newest(connection, parts.data, person_id, limit or _USUAL)
        return _with_names(parts, connection, found)


def _with_names(parts: Parts, connection: sa.Connection, found: list[ReadRecord]) -> list[ReadRecord]:
    accounts_of = {read.reader: _account_id(read.reader) for read in found}
    names = accounts.display_names(connection, parts.data, set(filter(None, accounts_of.values())))
    places = territory.place_names(connection)

    def shown(read: ReadRecord) -> str:
        role = Role.parse(read.role)
        office = places.get((role.name == SOCIAL_POINT_OPERATOR, role.scope))
        account = accounts_of[read.reader]
        name = None if account is None else names.get(account)
        return ", ".join(part for part in (name, office) if part is not None) or read.role

    return [replace(read, reader=shown(read)) for read in found]


def _account_id(reader: str) -> UUID | None:
    try:
        return UUID(reader)
    except ValueError:  # not an account of ours
        return None
