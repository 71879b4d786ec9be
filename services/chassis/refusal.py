"""Refusals: every answer that says no, on purpose, in two languages.

A rule that is not met is not an accident. It is a :class:`Refusal` with a stable `type` that programs branch
on, a text in Italian and in English that people read, and, where it helps, the field that was wrong. It
crosses gRPC as a `google.rpc.Status` and HTTP as `application/problem+json`; each mapping exists once.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, ClassVar, Literal

Language = Literal["it", "en"]


class Kind(StrEnum):
    """What sort of no it is; each kind has one gRPC status and one HTTP status."""

    INVALID = "invalid"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not-found"
    CONFLICT = "conflict"
    ALREADY_EXISTS = "already-exists"
    IN_FLIGHT = "in-flight"
    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"


class Refusal(Exception):
    """A request refused for a reason that its sender can understand.

    Subclasses give `kind`, `type` (stable, kebab-case) and the templates `it` and `en`, which are formatted
    with the `facts`. Facts are shown to the caller: identifiers and neutral values only. `field` names the
    offending field of the request as the caller wrote it; `retry_after_seconds` says when trying again may
    help.
    """

    kind: ClassVar[Kind]
    type: str
    it: str
    en: str

    def __init__(
        self, *, field: str | None = None, retry_after_seconds: int | None = None, **facts: object
    ) -> None:
        self.field = field
        self.retry_after_seconds = retry_after_seconds
        self.facts = facts
        super().__init__(self.message("en"))

    def message(self, language: Language) -> str:
        """The reason in `language`, with the facts filled in."""
        return (self.it if language == "it" else self.en).format(**self.facts)


class InvalidField(Refusal):
    """A value that is wrong whatever the state of the system: bad form, out of range, unknown code."""

    kind = Kind.INVALID
    type = "invalid-field"

    def __init__(self, *, field: str, it: str, en: str, **facts: Any) -> None:
        self.it, self.en = it, en
        super().__init__(field=field, **facts)


class NotFound(Refusal):
    """Nothing of that `what` has that identifier, or the caller may not know that it exists."""

    kind = Kind.NOT_FOUND
    type = "not-found"
    it = "Non trovato: {what}."
    en = "Not found: {what}."

    def __init__(self, *, what: str, field: str | None = None, **facts: Any) -> None:
        super().__init__(field=field, what=what, **facts)


class Forbidden(Refusal):
    """The caller is known, and may not do this."""

    kind = Kind.FORBIDDEN
    type = "forbidden"
    it = "Operazione non consentita."
    en = "You may not do this."


class Unauthenticated(Refusal):
    """The operation needs a caller who is known."""

    kind = Kind.UNAUTHENTICATED
    type = "unauthenticated"
    it = "Accesso necessario."
    en = "Sign in first."


class Unavailable(Refusal):
    """A part that is needed does not answer now; nothing was changed."""

    kind = Kind.UNAVAILABLE
    type = "unavailable"
    it = "Servizio momentaneamente non disponibile."
    en = "The service is not available at the moment."

    def __init__(self, *, retry_after_seconds: int = 1, **facts: Any) -> None:
        super().__init__(retry_after_seconds=retry_after_seconds, **facts)
