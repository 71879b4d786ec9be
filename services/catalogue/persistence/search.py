"""Full-text search over services, and the words it knows. Its statements are built once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from services.catalogue.persistence.catalogue_reads import SERVICE_COLUMNS
from services.catalogue.persistence.tables import offering, provider, search_word, service
from services.chassis.statements import Statement

_ALIKE: Final = "0.12"
"""Trigram similarity from which a word is looked at more closely; a slip in a word of four letters leaves as
much.
"""
_CANDIDATES: Final = 40
_PREFIX_FROM_LETTERS: Final = 3
_SCORE_STEPS: Final = 1_000_000
_BEFORE_ALL: Final = (2**62, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchFilter:
    """What a service must be; empty: anything."""

    category: str = ""
    comune: str = ""
    kind: str = ""
    provider: str = ""


def matching(
    connection: sa.Connection,
    groups: Sequence[Sequence[str]],
    wanted: SearchFilter,
    *,
    limit: int,
    after: tuple[int, str] | None,
) -> tuple[list[Any], int]:
    """Services in which of every group at least one word occurs, best first, then by slug; and how many there
    are.

    Rows have the service's columns and `score`, a whole number. No groups: every service, with score 0.
    `after` is the (score, slug) of the last row of the page before.
    """
    page, count = _FOUND if groups else _ALL
    score_before, slug_before = after or _BEFORE_ALL
    # Words are of a-z and 0-9 only: nothing in them can be an operator.
    text = " & ".join(
        "(" + " | ".join(f"{w}:*" if len(w) >= _PREFIX_FROM_LETTERS else w for w in group) + ")"
        for group in groups
    )
    parameters = asdict(wanted) | ({"text": text} if groups else {})
    rows = page.all(
        connection, parameters | {"score_before": score_before, "slug_before": slug_before, "entries": limit}
    )
    if rows:
        return rows, rows[0].total
    return [], 0 if after is None else count.all(connection, parameters)[0].number


def _statements(score: sa.ColumnElement[Any], found: sa.ColumnElement[bool]) -> tuple[Statement, Statement]:
    """A page of the services for which `found` holds, and their `number`."""
    hits = sa.select(service.c.slug, score.label("score")).where(service.c.active, found, *_conditions())
    matches = hits.cte("matches")
    count = sa.select(sa.func.count().label("number")).select_from(matches)
    slug_before = sa.bindparam("slug_before", type_=sa.Text)
    score_before = sa.bindparam("score_before", type_=sa.BigInteger)
    page = (
        sa.select(*SERVICE_COLUMNS, matches.c.score, count.scalar_subquery().label("total"))
        .join(matches, matches.c.slug == service.c.slug)
        .where(
            sa.or_(
                matches.c.score < score_before,
                sa.and_(matches.c.score == score_before, service.c.slug > slug_before),
            )
        )
        .order_by(matches.c.score.desc(), service.c.slug)
        .limit(sa.bindparam("entries", type_=sa.Integer))
    )
    return Statement(page), Statement(count)


def _conditions() -> list[sa.ColumnElement[bool]]:
    category, kind, comune, by = (
        sa.bindparam(name, type_=sa.Text) for name in ("category", "kind", "comune", "provider")
    )
    offered = sa.exists().where(
        offering.c.service == service.c.slug,
        offering.c.active,
        sa.or_(comune == "", comune == sa.any_(offering.c.comuni)),
        sa.or_(by == "", offering.c.provider == by),
    )
    return [
        sa.or_(category == "", service.c.category == category),
        sa.or_(kind == "", service.c.kind == kind),
        sa.or_(sa.and_(comune == "", by == ""), offered),
    ]


def _rank(query: sa.ColumnElement[Any]) -> sa.ColumnElement[int]:
    rank = sa.func.ts_rank_cd(service.c.search, query) * _SCORE_STEPS
    return sa.cast(sa.func.round(sa.cast(rank, sa.Numeric)), sa.BigInteger)


_TEXT: Final = sa.bindparam("text", type_=sa.Text)
_QUERY: Final = sa.func.to_tsquery(sa.literal_column("'catalogue_it'"), _TEXT).op("||")(
    sa.func.to_tsquery(sa.literal_column("'catalogue_en'"), _TEXT)
)
_FOUND: Final = _statements(_rank(_QUERY), service.c.search.op("@@")(_QUERY))
_ALL: Final = _statements(sa.cast(sa.literal(0), sa.BigInteger), sa.true())


def _words_like() -> sa.Select[Any]:
    words = sa.func.unnest(sa.bindparam("asked", type_=ARRAY(sa.Text)))
    asked = words.table_valued(sa.column("word", sa.Text), name="asked").render_derived()
    alike = sa.func.similarity(search_word.c.word, asked.c.word)
    known = (
        sa.select(search_word.c.word, alike.label("alike"))
        .where(search_word.c.word.op("%")(asked.c.word))
        .order_by(alike.desc(), search_word.c.word)
        .limit(_CANDIDATES)
        .lateral("known")
    )
    return (
        sa.select(asked.c.word.label("asked"), known.c.word)
        .select_from(asked.join(known, sa.true()))
        .order_by(known.c.alike.desc(), known.c.word)
    )


_THRESHOLD: Final = Statement(sa.select(sa.func.set_config("pg_trgm.similarity_threshold", _ALIKE, True)))
_WORDS_LIKE: Final = Statement(_words_like())


def words_like(connection: sa.Connection, asked: Sequence[str]) -> dict[str, list[str]]:
    """For each word, words of the catalogue that share some trigrams with it, most alike first."""
    _THRESHOLD.run(connection)
    found: dict[str, list[str]] = {word: [] for word in asked}
    for row in _WORDS_LIKE.all(connection, {"asked": list(asked)}):
        found[row.asked].append(row.word)
    return found


def searchable_texts(connection: sa.Connection) -> list[str]:
    """Every text that `matching` looks into, of active services."""
    columns = (
        service.c.name_it,
        service.c.name_en,
        service.c.keywords,
        service.c.description_it,
        service.c.description_en,
        service.c.target_it,
        service.c.target_en,
    )
    query = sa.select(sa.func.concat_ws(" ", *columns)).where(service.c.active).order_by(service.c.slug)
    return list(connection.execute(query).scalars())


def provider_names(connection: sa.Connection) -> dict[str, str]:
    """Name of every cooperative by slug."""
    return {row.slug: row.name for row in connection.execute(sa.select(provider.c.slug, provider.c.name))}
