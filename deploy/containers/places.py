"""Where the image `operations` finds what it works on, and how its commands fail."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NoReturn

from deploy.broker.apart import Apart, ApartError, read_apart
from services.contracts.territory import Territory, TerritoryErrors, read_territory

SECRETS, TERRITORY, APART = Path("/secrets"), Path("/territory"), Path("/apart.yaml")


def territory() -> Territory:
    """The territory's folder; ends with its faults if it is not valid."""
    try:
        return read_territory(TERRITORY)
    except TerritoryErrors as failure:
        fail("\n".join(f"{error.file}:{error.line}: {error.reason}" for error in failure.errors[:20]))


def apart() -> Apart:
    """Who is served apart; ends with the file's faults if it is not valid."""
    try:
        return read_apart(APART, territory())
    except ApartError as error:
        fail(str(error))


def fail(reason: str) -> NoReturn:
    """Say why on standard error, and end with 1."""
    sys.stderr.write(f"{reason}\n")
    raise SystemExit(1)
