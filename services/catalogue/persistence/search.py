"""Full-text search over services, and the words it knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from services.catalogue.persistence.catalogue_reads import SERVICE_COLUMNS, Rows
from services.catalogue.persistence.tables import offering, provider, search_word, service

_ALIKE: Final = "0.12"
"""Trigram similarity from which a word is looked at more closely; a slip in a word of four letters leaves as
much.
"""
_CANDIDATES: Final = 40
_PREFIX_FROM_LETTERS: Final = 3
_SCORE_STEPS: Final = 1_000_000


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
) -> tuple[Rows, int]:
    """Services in which of every group at least one word occurs, best first, then by slug; and how many there
    are.

    Rows have the service's columns and `score`, a whole number. No groups: every service, with score 0.
    `after` is the (score, slug) of the last row of the page before.
    """
    score, found = _score(groups)
    hits = sa.select(service.c.slug, score.label("score")).where(
        service.c.active, found, *_conditions(wanted)
    )
    matches = hits.cte("matches")
    total = sa.select(sa.func.count()).select_from(matches).scalar_subquery()
    page = (
        sa.select(*SERVICE_COLUMNS, matches.c.score, total.label("total"))
        .join(matches, matches.c.slug == service.c.slug)
        .order_by(matches.c.score.desc(), service.c.slug)
        .limit(limit)
    )
    if after is not None:
        score_before, slug_before = after
        page = page.where(
            sa.or_(
                matches.c.score < score_before,
                sa.and_(matches.c.score == score_before, service.c.slug > slug_before),
            )
        )
    rows: Rows = list(connection.execute(page))
    if rows:
        return rows, rows[0].total
    return [], connection.execute(sa.select(sa.func.count()).select_from(matches)).scalar_one()


def _score(groups: Sequence[Sequence[str]]) -> tuple[sa.ColumnElement[Any], sa.ColumnElement[bool]]:
    if not groups:
        return sa.literal(0), sa.true()
    # Words are of a-z and 0-9 only: nothing in them can be an operator.
    text = " & ".join(
        "(" + " | ".join(f"{w}:*" if len(w) >= _PREFIX_FROM_LETTERS else w for w in group) + ")"
        for group in groups
    )
    query = sa.func.to_tsquery(sa.literal_column("'catalogue_it'"), text).op("||")(
        sa.func.to_tsquery(sa.literal_column("'catalogue_en'"), text)
    )
    rank = sa.func.ts_rank_cd(service.c.search, query)
    steps = sa.cast(sa.func.round(sa.cast(rank * _SCORE_STEPS, sa.Numeric)), sa.BigInteger)
    return steps, service.c.search.op("@@")(query)


def _conditions(wanted: SearchFilter) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    if wanted.category:
        conditions.append(service.c.category == wanted.category)
    if wanted.kind:
        conditions.append(service.c.kind == wanted.kind)
    if wanted.comune or wanted.provider:
        offered = sa.exists().where(offering.c.service == service.c.slug, offering.c.active)
        if wanted.comune:
            offered = offered.where(sa.literal(wanted.comune) == sa.any_(offering.c.comuni))
        if wanted.provider:
            offered = offered.where(offering.c.provider == wanted.provider)
        conditions.append(offered)
    return conditions


def words_like(connection: sa.Connection, word: str) -> list[str]:
    """Words of the catalogue that share some trigrams with `word`, most alike first."""
    connection.execute(sa.select(sa.func.set_config("pg_trgm.similarity_threshold", _ALIKE, True)))
    alike = sa.func.similarity(search_word.c.word, word)
    query = (
        sa.select(search_word.c.word)
        .where(search_word.c.word.op("%")(word))
        .order_by(alike.desc(), search_word.c.word)
        .limit(_CANDIDATES)
    )
    return list(connection.execute(query).scalars())


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
