"""Statements of the hot paths: built by SQLAlchemy Core, compiled once, executed by psycopg itself.

Of what a short statement costs the process that asks for it, SQLAlchemy's execution is more than half:
finding the compiled text, a context, a result. What of it never changes is done here once, when a
statement is made.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, cast

import psycopg
import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.pool import PoolProxiedConnection

_DIALECT: Final = PGDialect_psycopg(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]
_NONE: Final[Mapping[str, Any]] = {}

Place = sa.Connection | PoolProxiedConnection
"""Where a statement is executed: what `Database` gives."""


class Statement:
    """One statement with named parameters, executed in a transaction that `Database` began, or as its own
    (`Database.statement`). Failures are SQLAlchemy's.

    Rows are named tuples. Every parameter to which the statement gives no value must be given (KeyError);
    others are ignored. ValueError at once if the statement needs SQLAlchemy to be executed: a list in an IN,
    a default made in Python.
    """

    def __init__(self, built: sa.Select[Any] | sa.Insert | sa.Update | sa.Delete) -> None:
        compiled = built.compile(dialect=_DIALECT)
        if compiled.post_compile_params or compiled.literal_execute_params or compiled.prefetch:
            raise ValueError(f"only SQLAlchemy can execute this: {compiled.string}")
        self.sql: Final = compiled.string
        """With `$1` for the first of `names`."""
        self.names: Final = tuple(compiled.positiontup or ())
        self._query = self.sql.encode()
        binds = [compiled.binds[name] for name in self.names]
        self._own = [bind.effective_value for bind in binds]
        converters = [bind.type.dialect_impl(_DIALECT).bind_processor(_DIALECT) for bind in binds]
        self._given = [
            (place, name, converter)
            for place, (name, converter) in enumerate(zip(self.names, converters, strict=True))
            if binds[place].required
        ]
        for place, converter in enumerate(converters):
            if converter is not None and not binds[place].required:
                self._own[place] = converter(self._own[place])
        make_row = _row_maker(list(built.exported_columns))
        self._rows = lambda _cursor: make_row

    def first(self, place: Place, parameters: Mapping[str, Any] = _NONE) -> Any | None:  # noqa: ANN401 - a row
        """The first row, or None."""
        return self._executed(place, parameters).fetchone()

    def all(self, place: Place, parameters: Mapping[str, Any] = _NONE) -> list[Any]:
        """Every row."""
        return self._executed(place, parameters).fetchall()

    def run(self, place: Place, parameters: Mapping[str, Any] = _NONE) -> int:
        """Execute what yields no rows; how many it touched."""
        return self._executed(place, parameters).rowcount

    def _executed(self, place: Place, parameters: Mapping[str, Any]) -> psycopg.Cursor[Any]:
        pooled = place.connection if isinstance(place, sa.Connection) else place
        driver = cast("psycopg.Connection[Any]", pooled.driver_connection)
        cursor: psycopg.RawCursor[Any] = psycopg.RawCursor(driver, row_factory=self._rows)
        try:
            return cursor.execute(self._query, self._values(parameters))
        except psycopg.Error as error:
            if isinstance(place, sa.Connection):
                # Makes it one of SQLAlchemy's errors, and takes lost connections out of the pool. There is no
                # public way to that for what was executed beside SQLAlchemy.
                place._handle_dbapi_exception(error, self.sql, None, cursor, None)  # type: ignore[arg-type]  # noqa: SLF001
            raise as_sqlalchemy_error(error, self.sql, lost=driver.closed or driver.broken) from error

    def _values(self, parameters: Mapping[str, Any]) -> list[Any]:
        values = self._own.copy()
        for place, name, converter in self._given:
            value = parameters[name]
            values[place] = value if converter is None else converter(value)
        return values


def as_sqlalchemy_error(error: psycopg.Error, sql: str | None, *, lost: bool = False) -> Exception:
    """What SQLAlchemy would have raised instead; `lost`: the connection cannot be used any more."""
    return exc.DBAPIError.instance(
        sql,
        None,
        error,
        psycopg.Error,
        hide_parameters=True,
        connection_invalidated=lost,
        dialect=_DIALECT,
    )


def _row_maker(columns: Sequence[sa.ColumnElement[Any]]) -> Callable[[Sequence[Any]], Any]:
    """Makes a row of what psycopg read."""
    names = [str(column.key) for column in columns]
    row = namedtuple("Row", names, rename=True)  # type: ignore[misc]  # noqa: PYI024 - as wide as the statement
    converters = [
        (place, converter)
        for place, column in enumerate(columns)
        if (converter := column.type.dialect_impl(_DIALECT).result_processor(_DIALECT, None)) is not None
    ]
    if not converters:
        return row._make

    def converted(read: Sequence[Any]) -> Any:  # noqa: ANN401 - as wide as the statement
        values = list(read)
        for place, converter in converters:
            values[place] = converter(values[place])
        return row._make(values)

    return converted
