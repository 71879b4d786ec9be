"""Length and form of the texts in requests: what the gateway documents and the services enforce."""

from typing import Final

SLUG: Final = r"^[a-z0-9]+(-[a-z0-9]+)*$"
SLUG_CHARACTERS: Final = 63
COMUNE: Final = r"^[A-Z][0-9]{3}$"  # a Belfiore code
GOALS_CHARACTERS: Final = 4000  # of a plan
REASON_CHARACTERS: Final = 500  # of a cancellation or of a decision
ACCESS_REASON_CHARACTERS: Final = 300  # why somebody's file is read
QUERY_CHARACTERS: Final = 200  # of a search
CURSOR_CHARACTERS: Final = 300
PAGE_ITEMS: Final = 100
FEED_ITEMS: Final = 500
PLAN_LINES: Final = 20
