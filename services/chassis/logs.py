"""One JSON line per event on standard output; readable text on a terminal.

What is logged: ids, types, durations, outcomes. Never names, addresses, codes of persons, or bodies of
requests.
"""

import logging
import sys
from typing import TYPE_CHECKING

import structlog
from structlog.tracebacks import ExceptionDictTransformer

from services.chassis import tracing

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor, WrappedLogger

__all__ = ["bind", "configure", "get_logger", "unbind"]

bind = structlog.contextvars.bind_contextvars
unbind = structlog.contextvars.unbind_contextvars
get_logger = structlog.stdlib.get_logger


def configure(service: str, process: str, level: str = "INFO") -> None:
    """Send this process's log, the libraries' included, to standard output.

    Every line carries `service`, `process`, the current `request_id` and `trace_id`, and whatever the
    context holds.
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
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    # Tracebacks never with local variables: they hold the data of persons.
    finishing: list[Processor] = (
        [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
        if sys.stdout.isatty()
        else [
            structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
            _without_details,
            structlog.processors.JSONRenderer(sort_keys=True),
        ]
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
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
    root.setLevel(level.upper())
    for chatty in ("amqp", "kombu", "nameko", "httpx", "httpcore", "alembic.runtime.plugins"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def _without_details(_logger: "WrappedLogger", _method: str, event: "EventDict") -> "EventDict":
    """Cut what PostgreSQL quotes of a row (`DETAIL: Key (…)=(…)`) off the texts of exceptions."""
    failures = event.get("exception")
    if isinstance(failures, list):
        for failure in failures:
            failure["exc_value"] = failure["exc_value"].partition("\nDETAIL:")[0]
    return event
