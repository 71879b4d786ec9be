"""Making tables what a territory says they are, and noticing what that changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from services.catalogue.persistence.tables import availability_rule, closure, search_word

Row = Mapping[str, Any]


def put(connection: sa.Connection, table: sa.Table, rows: Sequence[Row]) -> list[str]:
    """Inserts `rows`, or updates those that differ; returns the keys of what was new or different.

    A table with a `version` counts it up with every change, from 1. Rows that are not mentioned stay as they
    are.
    """
    if not rows:
        return []
    (key,) = table.primary_key.columns
    names = list(rows[0])
    versioned = "version" in table.c
    statement = insert(table)
    fields = [table.c[name] for name in names if name != key.name]
    new_values: dict[str, Any] = {field.name: statement.excluded[field.name] for field in fields}
    if versioned:
        new_values["version"] = table.c.version + 1
    differs = sa.or_(*(field.is_distinct_from(statement.excluded[field.name]) for field in fields))
    upsert = statement.values(
        [dict(row) | ({"version": 1} if versioned else {}) for row in rows]
    ).on_conflict_do_update(index_elements=[key], set_=new_values, where=differs)
    return sorted(map(str, connection.execute(upsert.returning(key)).scalars()))


def retire(connection: sa.Connection, table: sa.Table, present: Sequence[str]) -> list[str]:
    """Marks as no longer `active` what is not in `present`; returns the keys of what was active before."""
    (key,) = table.primary_key.columns
    values: dict[str, Any] = {"active": False}
    if "version" in table.c:
        values["version"] = table.c.version + 1
    gone = sa.update(table).where(table.c.active, key.not_in(present)).values(values).returning(key)
    return sorted(map(str, connection.execute(gone).scalars()))


def replace_closures(connection: sa.Connection, rows: Sequence[Row]) -> bool:
    """Makes `closure` exactly `rows`; whether that changed anything."""
    names = list(closure.c.keys())
    wanted = {tuple(row[name] for name in names) for row in rows}
    present = {tuple(row) for row in connection.execute(sa.select(closure))}
    if wanted == present:
        return False
    connection.execute(sa.delete(closure))
    if wanted:
        connection.execute(sa.insert(closure), [dict(zip(names, row, strict=True)) for row in wanted])
    return True


def replace_rules(connection: sa.Connection, rows: Mapping[str, Sequence[Row]]) -> list[str]:
    """Makes the weekly rules of each offering in `rows` exactly these; the offerings whose rules changed."""
    present: dict[str, list[dict[str, Any]]] = {offering_id: [] for offering_id in rows}
    for row in connection.execute(sa.select(availability_rule)):
        if row.offering_id in present:
            present[row.offering_id].append(row._asdict())
    changed = [
        offering_id
        for offering_id, wanted in rows.items()
        if sorted(map(_sortable, wanted)) != sorted(map(_sortable, present[offering_id]))
    ]
    if changed:
        connection.execute(sa.delete(availability_rule).where(availability_rule.c.offering_id.in_(changed)))
        connection.execute(sa.insert(availability_rule), [row for key in changed for row in rows[key]])
    return changed


def _sortable(row: Row) -> str:
    return repr(sorted(row.items()))


def replace_search_words(connection: sa.Connection, words: Sequence[str]) -> None:
    """Makes the words that misspelt ones are compared with exactly `words`, but for those search ignores."""
    connection.execute(sa.delete(search_word).where(search_word.c.word.not_in(words)))
    if words:
        connection.execute(insert(search_word).on_conflict_do_nothing(), [{"word": word} for word in words])
        lexemes = sa.func.to_tsquery(sa.literal_column("'catalogue_it'"), search_word.c.word)
        connection.execute(sa.delete(search_word).where(sa.func.numnode(lexemes) == 0))
