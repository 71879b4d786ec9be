"""One JSON line per event on standard output; readable text on a terminal.

What is logged: ids, types, durations, outcomes. Never names, addresses, codes of persons, or bodies of
requests.
"""

import json
import logging
import sys
from typing import TYPE_CHECKING, Final

import structlog
from structlog.tracebacks import ExceptionDictTransformer

from services.chassis import tracing

if TYPE_CHECKING:
    from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

__all__ = ["bind", "configure", "get_logger", "unbind"]

bind = structlog.contextvars.bind_contextvars
unbind = structlog.contextvars.unbind_contextvars

_ENCODE: Final = json.JSONEncoder(sort_keys=True, default=repr).encode


def get_logger(name: str) -> "FilteringBoundLogger":
    """A logger whose lines carry `name` as `logger`."""
    logger: FilteringBoundLogger = structlog.get_logger(name)
    return logger


def configure(service: str, process: str, level: str = "INFO") -> None:
    """Send this process's log, the libraries' included, to standard output.

    Every line carries `service`, `process`, the current `request_id` and `trace_id`, and whatever the
    context holds. Our own lines do not pass through `logging`: they are a part of every request, and that way
    takes three times as long.
    """

    def name_process(_logger: "WrappedLogger", _method: str, event: "EventDict") -> "EventDict":
        event.setdefault("service", service)
        event.setdefault("process", process)
        if (request_id := tracing.request_id()) is not None:
            event.setdefault("request_id", request_id)
        if (trace_id := tracing.current_trace_id()) is not None:
            event.setdefault("trace_id", trace_id)
        return event

    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        name_process,
        structlog.processors.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    # Tracebacks never with local variables: they hold the data of persons.
    finishing: list[Processor] = (
        [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
        if sys.stdout.isatty()
        else [
            structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
            _without_details,
            _as_json,
        ]
    )
    severity = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*shared, *finishing],
        logger_factory=_Writer,
        wrapper_class=structlog.make_filtering_bound_logger(severity),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *finishing],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(severity)
    for chatty in ("amqp", "kombu", "nameko", "httpx", "httpcore", "alembic.runtime.plugins"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


class _Writer(structlog.WriteLogger):
    """Writes to standard output, line by line."""

    def __init__(self, name: str) -> None:
        super().__init__(sys.stdout)
        self.name = name


def _as_json(_logger: "WrappedLogger", _method: str, event: "EventDict") -> str:
    return _ENCODE(event)


def _without_details(_logger: "WrappedLogger", _method: str, event: "EventDict") -> "EventDict":
    """Cut what PostgreSQL quotes of a row (`DETAIL: Key (…)=(…)`) off the texts of exceptions."""
    failures = event.get("exception")
    if isinstance(failures, list):
        for failure in failures:
            failure["exc_value"] = failure["exc_value"].partition("\nDETAIL:")[0]
    return event
