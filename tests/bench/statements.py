"""The SQL that a piece of the system really executes, and the same SQL as a script for pgbench.

Nothing is copied by hand: the service's own use case is run once against a copy of its database, while what
goes to the driver is written down. So a limit cannot drift away from what it is the limit of.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
import sqlalchemy as sa
from psycopg.types.json import Jsonb

from services.chassis.database import Database
from services.chassis.statements import Place
from tests.support.statements import statements_through

_PLACEHOLDER = re.compile(r"%\((\w+)\)s|%%")
_NUMBERED = re.compile(r"\$(\d+)")
_LITERAL = re.compile(r"'(?:[^']|'')*'")


@dataclass(frozen=True)
class Statement:
    """SQL with `%(name)s` for parameters, and the values it was executed with."""

    sql: str
    parameters: Mapping[str, Any]


Transaction = list[Statement]


@contextmanager
def recorded(database: Database) -> Iterator[list[Transaction]]:
    """Every transaction of `database` that has a statement, in order, while the block runs."""
    transactions: list[Transaction] = []

    def begin(_connection: sa.Connection) -> None:
        transactions.append([])

    def execute(
        _connection: sa.Connection, _cursor: object, sql: str, parameters: Any, _context: object, many: bool
    ) -> None:
        assert not many, "a statement for many rows is none of a hot path"
        transactions[-1].append(Statement(sql, dict(parameters)))

    def statement(place: Place, sql: str, parameters: Mapping[str, Any]) -> str:
        if not (isinstance(place, sa.Connection) and place.in_transaction()):
            transactions.append([])
        names = list(parameters)
        named = _NUMBERED.sub(lambda place: f"%({names[int(place[1]) - 1]})s", sql.replace("%", "%%"))
        transactions[-1].append(Statement(named, parameters))
        return sql

    sa.event.listen(database.engine, "begin", begin)
    sa.event.listen(database.engine, "before_cursor_execute", execute)
    try:
        with statements_through(statement):
            yield transactions
    finally:
        sa.event.remove(database.engine, "begin", begin)
        sa.event.remove(database.engine, "before_cursor_execute", execute)
        transactions[:] = [each for each in transactions if each]


@dataclass(kw_only=True)
class Script:
    """A pgbench script; `constants` are its variables that never change."""

    text: str
    constants: Mapping[str, str] = field(default_factory=dict)


def fresh_id(number: int) -> str:
    """A UUID that differs with `number`, pgbench's client and the script's counter `n`; grows with `n`."""
    return (
        "(lpad(to_hex(:n::integer), 8, '0') || '-0000-7000-8000-'"
        f" || lpad(to_hex(:client_id::integer), 8, '0') || '{number:04x}')::uuid"
    )


FRESH_TEXT = "('bench-' || :client_id::text || '-' || :n::text)"
COUNT = "\\set n :n + 1\n"
"""The beginning of a script with fresh values; run it with an `n` that no run used before."""


def as_script(
    transactions: Sequence[Transaction],
    values: Mapping[Any, str],
    *,
    beginning: str = COUNT,
    prefix: str = "c",
) -> Script:
    """The transactions as one script.

    A parameter, or a part of a list, with one of `values` becomes that expression, wherever it occurs; any
    other UUID becomes a fresh one, any other instant now(); what is left stays as it was recorded. A
    transaction of one statement commits itself. Names of constants begin with `prefix`.
    """
    expressions = _Expressions(values, prefix)
    lines: list[str] = []
    for transaction in transactions:
        bodies = [expressions.put_into(statement) for statement in transaction]
        lines += ["BEGIN", *bodies, "COMMIT"] if len(bodies) > 1 else bodies
    text = "".join(" ".join(line.split("\n")) + ";\n" for line in lines)
    return Script(text=beginning + text, constants=expressions.constants)


class _Expressions:
    """What is written in the place of each value."""

    def __init__(self, values: Mapping[Any, str], prefix: str) -> None:
        self._prefix = prefix
        self._written = {(type(value), value): expression for value, expression in values.items()}
        self.constants: dict[str, str] = {}

    def put_into(self, statement: Statement) -> str:
        """The statement as pgbench takes it."""

        def expression(placeholder: re.Match[str]) -> str:
            return self._of(statement.parameters[placeholder[1]]) if placeholder[1] else "%"

        return _PLACEHOLDER.sub(expression, _LITERAL.sub(_without_colon, statement.sql))

    def _of(self, parameter: Any) -> str:
        if isinstance(parameter, list):
            return f"ARRAY[{', '.join(map(self._of, parameter))}]"
        value = _plain(parameter)
        key = (type(value), value)  # for True equals 1
        if key not in self._written:
            self._written[key] = self._new(value)
        return self._written[key]

    def _new(self, value: Any) -> str:
        if value is None:
            return "NULL"
        if isinstance(value, UUID):
            return fresh_id(len(self._written))
        if isinstance(value, datetime):
            return "now()"
        if value == "":
            return "''"  # which pgbench does not take as a variable's value
        name = f"{self._prefix}{len(self.constants)}"
        self.constants[name] = _text(value)
        return f":{name}"


def _without_colon(literal: re.Match[str]) -> str:
    """The same literal, in which pgbench finds no variable."""
    if ":" not in literal[0]:
        return literal[0]
    return "U&" + literal[0].replace("\\", "\\\\").replace(":", "\\003A")


def _plain(parameter: Any) -> Any:
    """A parameter as something that can be compared."""
    if isinstance(parameter, psycopg.Binary):
        return bytes(parameter.obj)
    if isinstance(parameter, Jsonb):
        return json.dumps(parameter.obj)
    return parameter


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
