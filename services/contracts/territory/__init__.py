"""An ambito as data: the models of its files, and a reader that says what is wrong with them and where."""

from services.contracts.territory.errors import TerritoryError, TerritoryErrors
from services.contracts.territory.public_holidays import PublicHoliday, public_holidays
from services.contracts.territory.reader import read_territory
from services.contracts.territory.territory import Territory

__all__ = [
    "PublicHoliday",
    "Territory",
    "TerritoryError",
    "TerritoryErrors",
    "public_holidays",
    "read_territory",
]
