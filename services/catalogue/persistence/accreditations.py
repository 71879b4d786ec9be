"""Entries in the register as they are kept."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from services.catalogue.domain.accreditation import Accreditation, Standing
from services.catalogue.domain.booking import State
from services.catalogue.persistence.tables import accreditation, booking, provider, service


def lock_provider(connection: sa.Connection, slug: str) -> str | None:
    """The cooperative's name, with its row locked until the transaction ends; None if there is none."""
    name: str | None = connection.execute(
        sa.select(provider.c.name).where(provider.c.slug == slug, provider.c.active).with_for_update()
    ).scalar()
    return name


def entries_of(connection: sa.Connection, slug: str) -> list[Accreditation]:
    """All entries of a cooperative by section and first day."""
    columns = [accreditation.c[name] for name in ("provider", "section", "state", "valid_from", "valid_to")]
    query = (
        sa.select(*columns)
        .where(accreditation.c.provider == slug)
        .order_by(accreditation.c.section, accreditation.c.valid_from)
    )
    return [
        Accreditation(**(row._asdict() | {"state": Standing(row.state)})) for row in connection.execute(query)
    ]


def decide(
    connection: sa.Connection,
    old: Accreditation | None,
    new: Accreditation,
    *,
    reason: str,
    by: str,
    now: datetime,
) -> None:
    """Puts `new` in the place of `old`, as decided by somebody: loading will not touch it again."""
    decided = {"reason": reason, "decided_by": by, "decided_at": now}
    if old is None:
        connection.execute(sa.insert(accreditation).values(_values(new) | decided))
    else:
        connection.execute(sa.update(accreditation).where(*_is(old)).values(_values(new) | decided))


def load_entries(connection: sa.Connection, slug: str, entries: Iterable[Accreditation]) -> bool:
    """Makes the entries that nobody decided on what `entries` say; whether that changed anything.

    A section on which the plan office has decided is left as it decided.
    """
    decided = set(
        connection.execute(
            sa.select(accreditation.c.section)
            .where(accreditation.c.provider == slug, accreditation.c.decided_by.is_not(None))
            .distinct()
        ).scalars()
    )
    wanted = {(e.section, e.valid_from): e for e in entries if e.section not in decided}
    present = {(e.section, e.valid_from): e for e in entries_of(connection, slug) if e.section not in decided}
    if wanted == present:
        return False
    for key in present.keys() - wanted.keys():
        connection.execute(sa.delete(accreditation).where(*_is(present[key])))
    for entry in wanted.values():
        row = insert(accreditation).values(_values(entry))
        connection.execute(
            row.on_conflict_do_update(
                index_elements=[
                    accreditation.c.provider,
                    accreditation.c.section,
                    accreditation.c.valid_from,
                ],
                set_={"valid_to": row.excluded.valid_to, "state": row.excluded.state},
            )
        )
    return True


def bookings_outside(
    connection: sa.Connection, slug: str, section: str, entries: Iterable[Accreditation], now: datetime
) -> int:
    """How many visits to come in `section`, held or confirmed, lie on days on which `entries` do not allow
    them.
    """
    allowed = [
        booking.c.service_date.between(entry.valid_from, entry.valid_to)
        for entry in entries
        if entry.section == section and entry.state is Standing.ACCREDITED
    ]
    query = (
        sa.select(sa.func.count())
        .select_from(booking)
        .join(service, service.c.slug == booking.c.service)
        .where(
            booking.c.provider == slug,
            service.c.section == section,
            booking.c.state.in_([State.HELD.value, State.CONFIRMED.value]),
            booking.c.starts_at > now,
            sa.not_(sa.or_(sa.false(), *allowed)),
        )
    )
    return connection.execute(query).scalar_one()


def _values(entry: Accreditation) -> dict[str, object]:
    return {
        "provider": entry.provider,
        "section": entry.section,
        "valid_from": entry.valid_from,
        "valid_to": entry.valid_to,
        "state": entry.state.value,
    }


def _is(entry: Accreditation) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        accreditation.c.provider == entry.provider,
        accreditation.c.section == entry.section,
        accreditation.c.valid_from == entry.valid_from,
    )
