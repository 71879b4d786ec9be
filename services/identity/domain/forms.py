"""Reading what somebody typed: texts, dates and identifiers, each refused with its field's name and the
reason.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from datetime import date
from uuid import UUID

from services.chassis.refusal import InvalidField

_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def text(value: str, *, field: str, longest: int) -> str:
    """`value` in NFC, trimmed, with single spaces; 1 to `longest` characters, none of them a control
    character.

    :raises InvalidField: empty, too long, or with characters that no name or address has
    """
    result = optional_text(value, field=field, longest=longest)
    if not result:
        raise InvalidField(field=field, it="Il campo è obbligatorio.", en="The field is required.")
    return result


def optional_text(value: str, *, field: str, longest: int) -> str:
    """As :func:`text`, but it may be empty."""
    result = " ".join(unicodedata.normalize("NFC", value).split())
    if len(result) > longest:
        raise InvalidField(
            field=field,
            it="Deve avere al massimo {longest} caratteri.",
            en="It may have at most {longest} characters.",
            longest=longest,
        )
    if any(unicodedata.category(c) in {"Cc", "Cf", "Cs", "Co", "Cn"} for c in result):
        raise InvalidField(
            field=field,
            it="Contiene caratteri non ammessi.",
            en="It contains characters that are not allowed.",
        )
    return result


def day(value: str, *, field: str) -> date:
    """A calendar day written YYYY-MM-DD.

    :raises InvalidField: another form, or no day of the calendar
    """
    if _ISO_DATE.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass  # 31 February: refused below like any other
    raise InvalidField(
        field=field,
        it="Deve essere una data esistente, scritta AAAA-MM-GG.",
        en="It must be an existing date, written YYYY-MM-DD.",
    )


def identifier(value: str, *, field: str) -> UUID:
    """A UUID in its usual form.

    :raises InvalidField: anything else
    """
    if len(value) == 36:
        try:
            return UUID(value)
        except ValueError:
            pass  # refused below
    raise InvalidField(field=field, it="Non è un identificativo valido.", en="It is not a valid identifier.")


def one_of(value: str, allowed: Collection[str], *, field: str) -> str:
    """`value` if it is among the allowed ones.

    :raises InvalidField: with the allowed values as a fact
    """
    if value not in allowed:
        raise InvalidField(
            field=field,
            it="Deve essere uno di: {allowed}.",
            en="It must be one of: {allowed}.",
            allowed=", ".join(sorted(allowed)),
        )
    return value


def confirmed(value: bool, *, field: str) -> None:
    """:raises InvalidField: what only counts when it was said was not said"""
    if not value:
        raise InvalidField(
            field=field,
            it="Senza il consenso della persona non si può procedere.",
            en="Without the person's consent this cannot go on.",
        )
