"""How often a process looks for what counting references does not free."""

import gc

_NEW_OBJECTS = 50_000


def collect_seldom() -> None:
    """Look for cycles of garbage after 50,000 new objects instead of 700.

    What a process imports are hundreds of thousands of objects that stay, and a request leaves few cycles:
    looking so often took a tenth of the start and three of a hundred parts of a request, and found little.
    """
    gc.set_threshold(_NEW_OBJECTS)
