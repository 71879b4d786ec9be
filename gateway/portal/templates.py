"""Pages out of templates, in Italian."""

from __future__ import annotations

from datetime import date, time
from functools import cache
from pathlib import Path
from typing import Any, Final

from babel.dates import format_date, format_time
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

_LOCALE: Final = "it"


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["long_day"] = _long_day
    made.filters["short_day"] = _short_day
    made.filters["clock"] = _clock
    return made


def render(template: str, **facts: Any) -> str:
    """A fragment of a page."""
    return _environment().get_template(template).render(facts)


def page(
    template: str,
    *,
    status: int = 200,
    headers: dict[str, str] | None = None,
    **facts: Any,
) -> HTMLResponse:
    """A page."""
    return HTMLResponse(render(template, **facts), status, headers)


def _long_day(day: date) -> str:
    """As in `lunedì 30 novembre 2026`."""
    return format_date(day, "EEEE d MMMM y", locale=_LOCALE)


def _short_day(day: date) -> str:
    """As in `lun 30 nov`."""
    return format_date(day, "EEE d MMM", locale=_LOCALE)


def _clock(at: time) -> str:
    """As in `09:30`."""
    return format_time(at, "HH:mm", locale=_LOCALE)
