"""Inserting any number of rows with one statement: each column is an array."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY


def given_rows(table: sa.Table, names: Sequence[str]) -> sa.Select[Any]:
    """Selects rows that are given as `as_arrays` says; these columns of `table`."""
    return sa.select(
        *(
            sa.func.unnest(sa.bindparam(f"all_{name}", type_=ARRAY(table.c[name].type))).label(name)
            for name in names
        )
    )


def as_arrays(rows: Iterable[Mapping[str, Any]], names: Sequence[str]) -> dict[str, list[Any]]:
    """The parameters of a statement with `given_rows`."""
    given = list(rows)
    return {f"all_{name}": [row[name] for row in given] for name in names}
