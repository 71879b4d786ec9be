"""Who lives together: households of one to five members and their ages.

The shares resemble northern Italy: a third of the households are single persons, many of them old; children
stay until thirty and more; some households keep a grandparent. No census table is reproduced; the tests hold
the pyramid to its known proportions (one in eight is under 15, one in four from 65, one in fourteen from 80).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from random import Random

_SIZES, _SIZE_WEIGHTS = (1, 2, 3, 4, 5), (35, 29, 18, 14, 4)
_OLDEST = 108
_MEAN_YEARS_BEYOND_80 = 4.0


class Part(StrEnum):
    """Somebody's part in the household."""

    ADULT = "adult"
    PARTNER = "partner"
    CHILD = "child"
    GRANDPARENT = "grandparent"


@dataclass(frozen=True)
class Member:
    """A person still without name: the part and the age in years."""

    part: Part
    age: int


def draw_household(random: Random) -> list[Member]:
    """One household; the first member is the one after whom children are named."""
    size = random.choices(_SIZES, _SIZE_WEIGHTS)[0]
    if size == 1:
        return [Member(Part.ADULT, _age(random, ((18, 5), (30, 14), (45, 27), (65, 33), (80, 21))))]
    if size == 2 and random.random() < 0.72:
        return _couple(random, _age(random, ((24, 6), (35, 14), (55, 22), (65, 43), (80, 15))))
    return _family(random, size)


def _couple(random: Random, age: int) -> list[Member]:
    partner = min(max(18, age + random.randint(-7, 5)), _OLDEST)
    return [Member(Part.ADULT, age), Member(Part.PARTNER, partner)]


def _family(random: Random, size: int) -> list[Member]:
    """Parents with children; with two members, or sometimes with three, one parent alone."""
    grandparent = size >= 3 and random.random() < 0.10
    alone = size == 2 or (size == 3 and random.random() < 0.15)
    children = size - (1 if alone else 2) - grandparent
    if children == 0:
        children, alone = 1, True
    oldest = random.randint(0, 37)
    age = oldest + random.randint(21, 41)
    members = [Member(Part.ADULT, age)] if alone else _couple(random, age)
    child = oldest
    for _ in range(children):
        members.append(Member(Part.CHILD, child))
        child = max(0, child - random.randint(1, 5))
    if grandparent:
        members.append(Member(Part.GRANDPARENT, min(age + random.randint(22, 35), _OLDEST)))
    return members


def _age(random: Random, brackets: tuple[tuple[int, int], ...]) -> int:
    """An age from weighted brackets, each up to the next one; the last, from 80, thins out year by year."""
    index = random.choices(range(len(brackets)), [weight for _, weight in brackets])[0]
    if index == len(brackets) - 1:
        return min(brackets[index][0] + int(random.expovariate(1 / _MEAN_YEARS_BEYOND_80)), _OLDEST)
    return random.randrange(brackets[index][0], brackets[index + 1][0])
