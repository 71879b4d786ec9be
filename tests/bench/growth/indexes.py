"""Indexes put aside while a table is filled: sorting once is much faster than inserting in random order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql

from deploy.local.progress import Progress

# A unique constraint that a foreign key refers to cannot be put aside.
_CONSTRAINTS = """
SELECT c.conrelid::regclass::text, c.conname, pg_get_constraintdef(c.oid)
FROM pg_constraint c
WHERE c.conrelid = ANY (%s::text[]::regclass[]) AND c.contype IN ('p', 'u', 'x')
    AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.conindid = c.conindid)
ORDER BY c.contype <> 'p', c.conname
"""
_INDEXES = """
SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid)
FROM pg_index i
WHERE i.indrelid = ANY (%s::text[]::regclass[])
    AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)
ORDER BY 1
"""


@contextmanager
def without_indexes(
    connection: psycopg.Connection[Any], tables: Sequence[str], progress: Progress
) -> Iterator[None]:
    """While the block runs these tables have no indexes; afterwards those that they had."""
    constraints = connection.execute(_CONSTRAINTS, [list(tables)]).fetchall()
    indexes = connection.execute(_INDEXES, [list(tables)]).fetchall()
    for table, name, _ in constraints:
        drop = sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}")
        connection.execute(drop.format(sql.Identifier(table), sql.Identifier(name)))
    for name, _ in indexes:
        connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
    yield
    with progress.step(f"{len(constraints) + len(indexes)} indexes"):
        for table, name, definition in constraints:
            add = sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {}")
            connection.execute(add.format(sql.Identifier(table), sql.Identifier(name), sql.SQL(definition)))
        for _, definition in indexes:
            connection.execute(definition)
