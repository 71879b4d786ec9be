"""Finding services, also with a slip of the finger, in Italian and in English."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.catalogue.application.load_territory import load_territory
from services.catalogue.application.search_services import SearchServices
from services.catalogue.domain.spelling import words
from services.catalogue.persistence.paging import cursor_of
from services.catalogue.persistence.search import SearchFilter
from services.chassis.clock import FixedClock
from services.chassis.database import Database
from services.chassis.refusal import InvalidField
from services.contracts.territory import Territory, read_territory
from services.contracts.territory.catalogue import Offering
from tests.catalogue.world import NOW
from tests.support.postgres import Postgres

FOLDER = Path(__file__).parents[3] / "deploy/data/tradate"
ALL = SearchFilter()


@pytest.fixture(scope="module")
def territory() -> Territory:
    return read_territory(FOLDER)


@pytest.fixture(scope="module")
def search(postgres: Postgres, territory: Territory) -> Iterator[SearchServices]:
    url = postgres.service_database("catalogue")
    database = Database(url)
    load_territory(database, FixedClock(NOW), territory)
    yield SearchServices(database)
    database.dispose()
    postgres.drop_database(url)


def found(search: SearchServices, q: str, wanted: SearchFilter = ALL, limit: int = 100) -> list[str]:
    rows, _, total = search(q, wanted, limit=limit, cursor="")
    assert total == len(rows)
    return [row.slug for row in rows]


@pytest.mark.parametrize(
    ("q", "slug"),
    [
        ("assistenza domiciliare anziani", "sad-anziani"),
        ("ASSISTENZA DOMICILIARE", "sad-anziani"),
        ("home care older people", "sad-anziani"),
        ("bagno", "bagno-assistito"),
        ("igiene", "igiene-e-alzata"),
        ("asistenza domicliare", "sad-anziani"),
        ("igene", "igiene-e-alzata"),
        ("psati", "pasti-a-domicilio"),
        ("disabilità", "sad-disabilita"),
        ("disabilita", "sad-disabilita"),
        ("assist", "sad-anziani"),
        ("cedro azzuro", "sad-anziani"),
        ("assist bgno", "bagno-assistito"),
        ("bagno qwerty", "bagno-assistito"),
    ],
)
def test_it_is_found(search: SearchServices, q: str, slug: str) -> None:
    assert slug in found(search, q)


def test_what_is_named_so_comes_before_what_mentions_it(search: SearchServices) -> None:
    assert found(search, "bagno assistito")[0] == "bagno-assistito"


def test_any_one_slip_in_any_word_of_any_name_still_finds_it(
    search: SearchServices, territory: Territory
) -> None:
    dice = random.Random(20261123)  # noqa: S311 - the same slips every time
    missed = []
    for service in territory.services:
        long_words = [word for word in words(service.name.it) if len(word) >= 5]
        for word in long_words:
            slipped = _slip(word, dice)
            rest = [other for other in long_words if other != word]
            if service.slug not in found(search, " ".join([slipped, *rest])):
                missed.append((word, slipped))
    assert missed == []


def _slip(word: str, dice: random.Random) -> str:
    at = dice.randrange(len(word) - 1)
    letter = dice.choice("abcdefghilmnopqrstuvz")
    return dice.choice(
        [
            word[:at] + word[at + 1 :],
            word[:at] + letter + word[at:],
            word[:at] + letter + word[at + 1 :],
            word[:at] + word[at + 1] + word[at] + word[at + 2 :],
        ]
    )


def test_nothing_is_found_for_nonsense(search: SearchServices) -> None:
    for q in ("xkcdqwerty", "!!!", "'; DROP TABLE service; --", "a & | ! ( ) :*", "\\"):
        assert found(search, q) == [], q


def test_filters(search: SearchServices, territory: Territory) -> None:
    assert len(found(search, "")) == len(territory.services)
    for wanted, condition in (
        (SearchFilter(category="silver-care"), lambda s: s.category == "silver-care"),
        (SearchFilter(kind="private"), lambda s: s.kind.value == "private"),
        (
            SearchFilter(comune="C273"),
            lambda s: any("C273" in o.comuni for o in _offerings(territory, s.slug)),
        ),
        (
            SearchFilter(provider="cedro-azzurro"),
            lambda s: any(o.provider == "cedro-azzurro" for o in _offerings(territory, s.slug)),
        ),
        (
            SearchFilter(provider="cedro-azzurro", comune="L733"),
            lambda s: any(
                o.provider == "cedro-azzurro" and "L733" in o.comuni for o in _offerings(territory, s.slug)
            ),
        ),
    ):
        expected = {service.slug for service in territory.services if condition(service)}
        assert set(found(search, "", wanted)) == expected
        assert expected


def _offerings(territory: Territory, service: str) -> list[Offering]:
    return [offering for offering in territory.offerings if offering.service == service]


@pytest.mark.parametrize("q", ["", "casa", "asistenza"])
def test_pages_are_the_whole_in_the_same_order(search: SearchServices, q: str) -> None:
    whole, cursor, pages = found(search, q), "", []
    assert len(whole) > 3
    while True:
        rows, cursor, total = search(q, ALL, limit=2, cursor=cursor)
        assert total == len(whole)
        pages += [row.slug for row in rows]
        if not cursor:
            break
    assert pages == whole
    assert found(search, q) == whole


@pytest.mark.parametrize(
    "cursor",
    [
        *("x", "WzEsIDJd", "WyJhIiwgImIiXQ", "bnVsbA", "é"),
        # Of the right form, with values that no database can hold.
        *(
            cursor_of(*position)
            for position in ((10**30, "x"), (-(2**63) - 1, "x"), (1, "a\0b"), (1, "\ud800"))
        ),
    ],
)
def test_a_cursor_of_somebody_else(search: SearchServices, cursor: str) -> None:
    with pytest.raises(InvalidField) as caught:
        search("", ALL, limit=2, cursor=cursor)
    assert caught.value.field == "cursor"
