"""Work done every so often by a service's worker."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from prometheus_client import Counter, Gauge, Histogram

from services.chassis import locks
from services.chassis.database import Database
from services.chassis.logs import get_logger

_log = get_logger(__name__)
_turns = Counter("job_turns_total", "Turns of jobs by what became of them", ["name", "outcome"])
_seconds = Histogram(
    "job_seconds",
    "How long a turn took",
    ["name"],
    buckets=(0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 1800),
)
_done_at = Gauge("job_done_timestamp_seconds", "When a turn last ended well here, Unix time", ["name"])


@dataclass(frozen=True, slots=True)
class Job:
    """`run` is called about every `every_seconds`, never twice at once for one database; or, if it is for
    what a process tells of itself (`in_every_process`), by each process for itself.

    It must be bounded (a batch, not everything), safe to run again, and own its transactions. An error is
    logged and counted, and the next turn comes as usual.
    """

    name: str
    every_seconds: float
    run: Callable[[Database], None]
    in_every_process: bool = False

    def __post_init__(self) -> None:
        if self.every_seconds <= 0:
            raise ValueError("a job needs a positive interval")


def run_job(database: Database, job: Job) -> None:
    """One turn of `job`, unless another process is at it; never raises."""
    try:
        with _turn(database, job) as held:
            if held:
                with _seconds.labels(job.name).time():
                    job.run(database)
                _done_at.labels(job.name).set_to_current_time()
    except Exception:  # noqa: BLE001 - logged; the next turn comes as usual
        _log.exception("job failed", job=job.name)
        _turns.labels(job.name, "failed").inc()
    else:
        _turns.labels(job.name, "done" if held else "skipped").inc()


@contextmanager
def _turn(database: Database, job: Job) -> Iterator[bool]:
    if job.in_every_process:
        yield True
        return
    with database.session() as connection, locks.lock_or_skip(connection, f"job {job.name}") as held:
        yield held
