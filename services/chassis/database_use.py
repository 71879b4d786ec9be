"""What each use of the database costs, as metrics and as a span of the current work."""

import time
from types import TracebackType

from prometheus_client import Counter, Histogram
from sqlalchemy import exc

from services.chassis import tracing
from services.chassis.refusal import Unavailable

_seconds = Histogram(
    "database_seconds",
    "From asking for a connection to giving it back, by use: transaction, statement, read",
    ["use"],
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
_failures = Counter(
    "database_failures_total",
    "Uses that failed: contention and lost may pass, a broken constraint may be meant",
    ["use", "reason"],
)


class DatabaseLost(Unavailable):
    """The database cannot be reached at all; nothing is wrong with what was asked of it."""


class Use:
    """Around uses of one kind of one database. Holds nothing of a single one: `measured` does."""

    def __init__(self, use: str, database: str | None) -> None:
        self.use = use
        self.name = f"{use} {database}"
        self.attributes = {
            "db.system.name": "postgresql",
            "db.namespace": database or "",
            "db.operation.name": use,
        }
        self.observe = _seconds.labels(use).observe

    def measured(self) -> "_Measured":
        """A context manager for one use."""
        return _Measured(self)


class _Measured:
    __slots__ = ("_kind", "_span", "_started")

    def __init__(self, kind: Use) -> None:
        self._kind = kind

    def __enter__(self) -> None:
        kind = self._kind
        # Not made current: what a transaction writes down for others belongs to the work, not to it.
        self._span = tracing.begin_part(kind.name, kind=tracing.SpanKind.CLIENT, attributes=kind.attributes)
        self._started = time.perf_counter()

    def __exit__(
        self, _type: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._kind.observe(time.perf_counter() - self._started)
        reason = None if error is None else _reason(error)
        if reason is not None:
            _failures.labels(self._kind.use, reason).inc()
        tracing.end(self._span, error=reason)


def _reason(error: BaseException) -> str | None:
    """None: what the block raised has nothing to do with the database."""
    if isinstance(error, DatabaseLost):
        return "lost"
    if isinstance(error, Unavailable):
        return "contention" if isinstance(error.__cause__, exc.DBAPIError) else None
    if isinstance(error, exc.IntegrityError):
        return "constraint"
    return "statement" if isinstance(error, exc.SQLAlchemyError) else None
