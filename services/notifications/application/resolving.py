"""Finding the addresses behind a host name."""

from collections.abc import Callable, Sequence

from services.notifications.domain.addresses import Address

Resolve = Callable[[str, int], Sequence[Address]]
"""Host and port to addresses, in the order to try them; none if the name is unknown or no answer came in
time.
"""
