"""Refusals on the wire: to a `google.rpc.Status` on the server, and back on the client.

The status carries everything an edge needs: ErrorInfo (reason = the refusal's type, domain "ambito", metadata
= the facts as text, and `field`), the message in both languages, the field violation, and when to retry.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from services.chassis.refusal import Kind, Language, Refusal, Unavailable

_LANGUAGES: tuple[Language, Language] = ("it", "en")
DOMAIN = "ambito"
FAULT = "internal-fault"
_DETAILS_KEY = "grpc-status-details-bin"
_RETRY_AFTER_SECONDS = 2
# gRPC allows 8 KiB of metadata for everything; the details must always fit, in base64.
_MAX_FACTS = 12
_MAX_NAME_BYTES = 40
_MAX_FACT_BYTES = 120
_MAX_TEXT_BYTES = 600

_CODES: dict[Kind, int] = {
    Kind.INVALID: code_pb2.INVALID_ARGUMENT,
    Kind.UNAUTHENTICATED: code_pb2.UNAUTHENTICATED,
    Kind.FORBIDDEN: code_pb2.PERMISSION_DENIED,
    Kind.NOT_FOUND: code_pb2.NOT_FOUND,
    Kind.CONFLICT: code_pb2.FAILED_PRECONDITION,
    Kind.ALREADY_EXISTS: code_pb2.ALREADY_EXISTS,
    Kind.IN_FLIGHT: code_pb2.ABORTED,
    Kind.THROTTLED: code_pb2.RESOURCE_EXHAUSTED,
    Kind.UNAVAILABLE: code_pb2.UNAVAILABLE,
}
_KINDS = {code: kind for kind, code in _CODES.items()}
_GRPC_CODES = {code.value[0]: code for code in grpc.StatusCode}
_NO_ANSWER = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,  # without our details: the server's queue is full
    grpc.StatusCode.CANCELLED,
}


class RemoteRefusal(Refusal):
    """What another service refused, with its own words; raising it again passes it on unchanged."""

    def __init__(
        self,
        *,
        kind: Kind,
        type: str,
        it: str,
        en: str,
        field: str | None = None,
        retry_after_seconds: int | None = None,
        facts: dict[str, str] | None = None,
    ) -> None:
        self.kind = kind  # type: ignore[misc]  # the one refusal whose kind is known only at run time
        self.type, self.it, self.en = type, it, en
        super().__init__(field=field, retry_after_seconds=retry_after_seconds, **(facts or {}))

    def message(self, language: Language) -> str:
        """The other service's text; the facts are filled in already."""
        return self.it if language == "it" else self.en


class RequestTooLarge(Refusal):
    """The request is larger than a service accepts."""

    kind = Kind.INVALID
    type = "request-too-large"
    it = "La richiesta è troppo grande."
    en = "The request is too large."


class RemoteFailure(Exception):
    """A fault on the other side, or a call it does not know: a bug or a wrong deployment, not an answer."""

    def __init__(self, code: grpc.StatusCode, details: str) -> None:
        super().__init__(f"{code.name}: {details}")
        self.code = code


def status_of(refusal: Refusal) -> grpc.Status:
    """The gRPC status to end a call with."""
    metadata = {
        _cut(name, _MAX_NAME_BYTES): _cut(str(value), _MAX_FACT_BYTES)
        for name, value in list(refusal.facts.items())[:_MAX_FACTS]
    }
    if refusal.field is not None:
        metadata["field"] = _cut(refusal.field, _MAX_FACT_BYTES)
    italian, english = (_cut(refusal.message(language), _MAX_TEXT_BYTES) for language in _LANGUAGES)
    details: list[Any] = [
        error_details_pb2.ErrorInfo(reason=refusal.type, domain=DOMAIN, metadata=metadata),
        error_details_pb2.LocalizedMessage(locale="it", message=italian),
        error_details_pb2.LocalizedMessage(locale="en", message=english),
    ]
    if refusal.field is not None:
        violation = error_details_pb2.BadRequest.FieldViolation(field=metadata["field"], description=english)
        details.append(error_details_pb2.BadRequest(field_violations=[violation]))
    if refusal.retry_after_seconds is not None:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.seconds = refusal.retry_after_seconds
        details.append(retry)
    return _status(_CODES[refusal.kind], refusal.type, details)


def status_of_fault(request_id: str | None) -> grpc.Status:
    """The status for an unexpected exception: nothing but the id under which the log explains it."""
    info = error_details_pb2.ErrorInfo(reason=FAULT, domain=DOMAIN, metadata={"request_id": request_id or ""})
    return _status(code_pb2.INTERNAL, f"internal fault; request id {request_id}", [info])


def refusal_from(error: grpc.RpcError) -> Refusal | RemoteFailure:
    """What a failed call means to the caller: the service's refusal, Unavailable, or a RemoteFailure."""
    code, text = error.code(), error.details() or ""
    refusal = _decoded(error.trailing_metadata() or ())
    if refusal is not None:
        return refusal
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED and "larger than max" in text:
        return RequestTooLarge()
    if code in _NO_ANSWER:
        return Unavailable(retry_after_seconds=_RETRY_AFTER_SECONDS)
    return RemoteFailure(code, text)


def _cut(text: str, maximum_bytes: int) -> str:
    return text.encode(errors="replace")[:maximum_bytes].decode(errors="ignore")


def _status(code: int, message: str, details: list[Any]) -> grpc.Status:
    status = status_pb2.Status(code=code, message=message)
    for detail in details:
        status.details.add().Pack(detail)
    return rpc_status.to_status(status)


EXPIRED = _status(code_pb2.DEADLINE_EXCEEDED, "the deadline passed before the work began", [])
"""The status for a call whose caller has given up already."""


def _decoded(metadata: Iterable[Any]) -> Refusal | None:
    """The refusal in a call's trailing metadata; None if there is none, or if it is not one of ours."""
    raw = next((pair[1] for pair in metadata if pair[0] == _DETAILS_KEY), None)
    if not isinstance(raw, bytes):
        return None
    try:
        status = status_pb2.Status.FromString(raw)
    except DecodeError:
        return None
    kind = _KINDS.get(status.code)
    info = error_details_pb2.ErrorInfo()
    texts: dict[str, str] = {}
    retry_after: int | None = None
    for detail in status.details:
        message = error_details_pb2.LocalizedMessage()
        retry = error_details_pb2.RetryInfo()
        if detail.Unpack(info):
            continue
        if detail.Unpack(message):
            texts[message.locale] = message.message
        elif detail.Unpack(retry):
            retry_after = retry.retry_delay.seconds
    if kind is None or info.domain != DOMAIN:
        return None
    facts = dict(info.metadata)
    field = facts.pop("field", None)
    if kind is Kind.UNAVAILABLE:
        return Unavailable(retry_after_seconds=retry_after or _RETRY_AFTER_SECONDS, **facts)
    return RemoteRefusal(
        kind=kind,
        type=info.reason,
        it=texts.get("it", info.reason),
        en=texts.get("en", info.reason),
        field=field,
        retry_after_seconds=retry_after,
        facts=facts,
    )
