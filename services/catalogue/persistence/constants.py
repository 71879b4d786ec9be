"""Constants of ours, written into statements: they are never data, and each parameter less is time saved."""

from __future__ import annotations

import sqlalchemy as sa


def text(constant: str) -> sa.ColumnElement[str]:
    """The constant, which must need no quoting."""
    return sa.literal_column(f"'{constant}'", sa.Text)


def number(constant: int) -> sa.ColumnElement[int]:
    """The constant."""
    return sa.literal_column(str(constant), sa.BigInteger)
