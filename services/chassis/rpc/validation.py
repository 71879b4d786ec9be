"""A value that pydantic rejects, as a refusal that names the field and the reason in both languages."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from services.chassis.refusal import InvalidField

# pydantic's error type → Italian; `{…}` are the error's own bounds. English is pydantic's own message.
_ITALIAN = {
    "missing": "Il campo è obbligatorio.",
    "string_type": "Deve essere un testo.",
    "string_too_short": "Deve avere almeno {min_length} caratteri.",
    "string_too_long": "Deve avere al massimo {max_length} caratteri.",
    "string_pattern_mismatch": "Il formato non è valido.",
    "int_type": "Deve essere un numero intero.",
    "int_parsing": "Deve essere un numero intero.",
    "greater_than": "Deve essere maggiore di {gt}.",
    "greater_than_equal": "Deve essere almeno {ge}.",
    "less_than": "Deve essere minore di {lt}.",
    "less_than_equal": "Deve essere al massimo {le}.",
    "too_short": "Deve contenere almeno {min_length} elementi.",
    "too_long": "Deve contenere al massimo {max_length} elementi.",
    "uuid_parsing": "Non è un identificativo valido.",
    "date_parsing": "Non è una data valida.",
    "date_from_datetime_parsing": "Non è una data valida.",
    "datetime_parsing": "Non è un istante valido.",
    "timezone_aware": "Deve indicare il fuso orario.",
    "enum": "Non è uno dei valori ammessi.",
    "literal_error": "Non è uno dei valori ammessi.",
    "extra_forbidden": "Il campo non è previsto.",
}
_OTHERWISE = "Il valore non è valido."


def invalid_field(error: ValidationError) -> InvalidField:
    """The first error of `error`. The rejected value itself is not repeated."""
    first: Any = error.errors(include_url=False, include_input=False)[0]
    template = _ITALIAN.get(first["type"], _OTHERWISE)
    return InvalidField(
        field=".".join(str(part) for part in first["loc"]) or "request",
        it=_escaped(template.format(**first.get("ctx", {}))),
        en=_escaped(f"{first['msg']}."),
    )


def _escaped(text: str) -> str:
    """Refusals treat their texts as templates."""
    return text.replace("{", "{{").replace("}", "}}")
