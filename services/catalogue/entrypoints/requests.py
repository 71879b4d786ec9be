"""Reading requests: each value in its right form, or an InvalidField that names it as the proto does."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from typing import Final, TypeVar
from uuid import UUID

from services.chassis.refusal import InvalidField
from services.contracts import limits

DEFAULT_LIMIT: Final = 20
_SLUG: Final = re.compile(limits.SLUG)
_BELFIORE: Final = re.compile(limits.COMUNE)
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_CODE: Final = re.compile(r"[0-9]{6}")

Choice = TypeVar("Choice", bound=StrEnum)


def uuid_in(text: str, field: str) -> UUID:
    """A UUID in its usual form."""
    if len(text) == 36:
        try:
            return UUID(text)
        except ValueError:
            pass
    raise InvalidField(
        field=field, it="Non è un identificativo valido.", en="This is not a valid identifier."
    )


def optional_uuid_in(text: str, field: str) -> UUID | None:
    """A UUID, or None if there is nothing."""
    return uuid_in(text, field) if text else None


def uuids_in(texts: Sequence[str], field: str, most: int) -> frozenset[UUID]:
    """At most so many UUIDs."""
    if len(texts) > most:
        raise InvalidField(field=field, it=f"Sono al massimo {most}.", en=f"At most {most} may be given.")
    return frozenset(uuid_in(each, field) for each in texts)


def slug_in(text: str, field: str) -> str:
    """A slug: lower-case words joined by hyphens, at most 63 characters."""
    if len(text) > limits.SLUG_CHARACTERS or _SLUG.fullmatch(text) is None:
        raise InvalidField(field=field, it="Il codice non è valido.", en="This is not a valid code.")
    return text


def optional_slug_in(text: str, field: str) -> str:
    """A slug, or nothing."""
    return slug_in(text, field) if text else ""


def optional_comune_in(text: str, field: str) -> str:
    """A Belfiore code, or nothing."""
    if text and _BELFIORE.fullmatch(text) is None:
        raise InvalidField(
            field=field,
            it="Non è un codice catastale di comune (per esempio L319).",
            en="This is not a Belfiore code of a comune (like L319).",
        )
    return text


def date_in(text: str, field: str) -> date:
    """A day, YYYY-MM-DD."""
    if _DATE.fullmatch(text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            pass
    raise InvalidField(field=field, it="Non è una data (AAAA-MM-GG).", en="This is not a date (YYYY-MM-DD).")


def optional_date_in(text: str, field: str) -> date | None:
    """A day, or None if there is nothing."""
    return date_in(text, field) if text else None


def choice_in(text: str, choices: type[Choice], field: str) -> Choice:
    """One of the values of `choices`."""
    try:
        return choices(text)
    except ValueError:
        raise InvalidField(
            field=field,
            it="Non è uno dei valori ammessi: {choices}.",
            en="This is not one of: {choices}.",
            choices=", ".join(choices),
        ) from None


def optional_text_in(text: str, field: str, maximum: int) -> str | None:
    """Text of at most `maximum` characters without control characters, trimmed; None if there is nothing."""
    trimmed = text.strip()
    if len(trimmed) > maximum or any(ord(c) < 32 and c not in "\n\t" for c in trimmed):
        raise InvalidField(
            field=field,
            it="Il testo può avere al massimo {maximum} caratteri, senza caratteri di controllo.",
            en="The text may have at most {maximum} characters, without control characters.",
            maximum=maximum,
        )
    return trimmed or None


def text_in(text: str, field: str, maximum: int) -> str:
    """As `optional_text_in`, but something must be there."""
    value = optional_text_in(text, field, maximum)
    if value is None:
        raise InvalidField(field=field, it="Il campo è obbligatorio.", en="The field is required.")
    return value


def limit_in(limit: int) -> int:
    """Entries of a page: 1 to 100, 0 for 20."""
    if not 0 <= limit <= limits.PAGE_ITEMS:
        raise InvalidField(
            field="limit",
            it="Deve essere tra 1 e {maximum}.",
            en="It must be between 1 and {maximum}.",
            maximum=limits.PAGE_ITEMS,
        )
    return limit or DEFAULT_LIMIT


def code_in(text: str, field: str) -> str:
    """Six digits."""
    if _CODE.fullmatch(text) is None:
        raise InvalidField(field=field, it="Il codice ha sei cifre.", en="The code has six digits.")
    return text
