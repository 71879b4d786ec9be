"""Seeing what a Statement executes, and changing it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import sqlalchemy as sa

from services.chassis.database import Database
from services.chassis.statements import Place, Statement

Listener = Callable[[Place, str, Mapping[str, Any]], str]
"""Gets where it is executed, SQL with `$1` for the first parameter, and the parameters by name, in order.
Returns the SQL that is to be executed.
"""


@contextmanager
def statements_through(listener: Listener) -> Iterator[None]:
    """Inside, whatever Statement is executed is given to `listener` first."""
    execute = Statement._executed

    def executed(self: Statement, place: Place, parameters: Mapping[str, Any]) -> Any:
        values = dict(zip(self.names, self._values(parameters), strict=True))
        changed = copy.copy(self)
        changed._query = listener(place, self.sql, values).encode()
        return execute(changed, place, parameters)

    with patch.object(Statement, "_executed", executed):
        yield


@contextmanager
def noted(database: Database) -> Iterator[list[str]]:
    """What the database is told, a word for each statement."""
    engine, words = database.engine, list[str]()

    def execute(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        words.append(statement.split(maxsplit=1)[0])

    def begin(_c: Any) -> None:
        words.append("BEGIN")

    def commit(_c: Any) -> None:
        words.append("COMMIT")

    def statement(_place: object, sql: str, _parameters: object) -> str:
        words.append(sql.split(maxsplit=1)[0])
        return sql

    listeners: list[tuple[str, Callable[..., None]]] = [
        ("before_cursor_execute", execute),
        ("begin", begin),
        ("commit", commit),
    ]
    for name, listener in listeners:
        sa.event.listen(engine, name, listener)
    try:
        with statements_through(statement):
            yield words
    finally:
        for name, listener in listeners:
            sa.event.remove(engine, name, listener)
