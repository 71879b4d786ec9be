"""What a check finds, and the register of all checks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from deploy.operating.doctor.circumstances import Circumstances


class Weight(StrEnum):
    """How much a finding matters."""

    PROBLEM = "problem"
    """Something does not work, or will not, or is open to those whom it should not be."""
    ADVICE = "advice"
    """It works as it is; somebody who has done this before would change it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, why it matters, and what to do: a command where there is one."""

    wrong: str
    why: str
    cure: str
    weight: Weight = Weight.PROBLEM
    check: str = ""
    """Filled in by `examine`."""


Check = Callable[[Circumstances], Iterable[Finding]]

CHECKS: Final[dict[str, Check]] = {}
"""All checks by name, in the order in which their findings are told."""

COMPOSE: Final = "docker compose"
UP: Final = f"{COMPOSE} … up --detach --wait"
"""With the same files (`-f`) and environment as always, hence the dots."""


def check(function: Check) -> Check:
    """Put a check into the register, under its function's name."""
    CHECKS[function.__name__] = function
    return function


def examine(circumstances: Circumstances) -> Iterator[Finding]:
    """What all checks find."""
    for name, each in CHECKS.items():
        for found in each(circumstances):
            yield Finding(found.wrong, found.why, found.cure, found.weight, name)
