"""Work done every so often by a service's worker."""

from collections.abc import Callable
from dataclasses import dataclass

from services.chassis.database import Database


@dataclass(frozen=True, slots=True)
class Job:
    """`run` is called about every `every_seconds`, never twice at once for one database.

    It must be bounded (a batch, not everything), safe to run again, and own its transactions. An error is
    logged and counted, and the next turn comes as usual.
    """

    name: str
    every_seconds: float
    run: Callable[[Database], None]

    def __post_init__(self) -> None:
        if self.every_seconds <= 0:
            raise ValueError("a job needs a positive interval")
