"""Find services by words, forgiving slips, and by what they must be."""

from __future__ import annotations

from services.catalogue.domain.spelling import MAXIMUM_WORDS, is_one_slip_away, words
from services.catalogue.persistence.catalogue_reads import Rows
from services.catalogue.persistence.paging import cursor_of, position_of
from services.catalogue.persistence.search import SearchFilter, matching, words_like
from services.chassis.database import Database


class SearchServices:
    """A page of services, the cursor of the next one (empty: this is the last), and how many there are in
    all.

    All words must occur, each possibly as the beginning of a longer one. Only if nothing is found, words of
    the catalogue that are a slip away are looked for too.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def __call__(self, q: str, wanted: SearchFilter, *, limit: int, cursor: str) -> tuple[Rows, str, int]:
        asked = words(q)[:MAXIMUM_WORDS]
        if q.strip() and not asked:
            return [], "", 0
        position = position_of(cursor, int, str)
        after = None if position is None else (position[0], position[1])
        with self._database.read() as connection:
            groups = [[word] for word in asked]
            rows, total = matching(connection, groups, wanted, limit=limit + 1, after=after)
            if total == 0 and asked:
                groups = [
                    [
                        word,
                        *(known for known in words_like(connection, word) if is_one_slip_away(word, known)),
                    ]
                    for word in asked
                ]
                rows, total = matching(connection, groups, wanted, limit=limit + 1, after=after)
        if len(rows) <= limit:
            return rows, "", total
        last = rows[limit - 1]
        return rows[:limit], cursor_of(last.score, last.slug), total
