"""Find services by words, forgiving slips, and by what they must be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from services.catalogue.domain.spelling import MAXIMUM_WORDS, is_one_slip_away, words
from services.catalogue.persistence.paging import cursor_of, position_of
from services.catalogue.persistence.search import SearchFilter, matching, words_like
from services.chassis.database import Database


class SearchServices:
    """A page of services, the cursor of the next one (empty: there is none), and how many there are in all.

    All words must occur, each possibly as the beginning of a longer one. Only if nothing is found, words of
    the catalogue that are a slip away will do too; and if that finds nothing either, words unlike any of the
    catalogue are passed over, as long as others remain.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def __call__(
        self, q: str, wanted: SearchFilter, *, limit: int, cursor: str
    ) -> tuple[list[Any], str, int]:
        asked = words(q)[:MAXIMUM_WORDS]
        if q.strip() and not asked:
            return [], "", 0
        position = position_of(cursor, int, str)
        after = None if position is None else (position[0], position[1])
        rows: list[Any] = []
        total = 0
        with self._database.read() as connection:
            for groups in _attempts(connection, asked):
                rows, total = matching(connection, groups, wanted, limit=limit + 1, after=after)
                if total:
                    break
        if len(rows) <= limit:
            return rows, "", total
        last = rows[limit - 1]
        return rows[:limit], cursor_of(last.score, last.slug), total


def _attempts(connection: sa.Connection, asked: list[str]) -> Iterator[list[list[str]]]:
    """Groups of words, one of each of which must occur; from the strictest to the most forgiving."""
    yield [[word] for word in asked]
    if not asked:
        return
    alike = {
        word: [candidate for candidate in candidates if is_one_slip_away(word, candidate)]
        for word, candidates in words_like(connection, asked).items()
    }
    yield [[word, *alike[word]] for word in asked]
    if known := [alike[word] for word in asked if alike[word]]:
        yield known
