"""Refusals on the wire and back."""

from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from hypothesis import example, given
from hypothesis import strategies as st

from services.chassis.refusal import InvalidField, Kind, Refusal, Unavailable
from services.chassis.rpc.status import (
    RemoteFailure,
    RemoteRefusal,
    RequestTooLarge,
    refusal_from,
    status_of,
    status_of_fault,
)

CODES = {
    Kind.INVALID: grpc.StatusCode.INVALID_ARGUMENT,
    Kind.UNAUTHENTICATED: grpc.StatusCode.UNAUTHENTICATED,
    Kind.FORBIDDEN: grpc.StatusCode.PERMISSION_DENIED,
    Kind.NOT_FOUND: grpc.StatusCode.NOT_FOUND,
    Kind.CONFLICT: grpc.StatusCode.FAILED_PRECONDITION,
    Kind.ALREADY_EXISTS: grpc.StatusCode.ALREADY_EXISTS,
    Kind.IN_FLIGHT: grpc.StatusCode.ABORTED,
    Kind.THROTTLED: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Kind.UNAVAILABLE: grpc.StatusCode.UNAVAILABLE,
}


class Failed(grpc.RpcError):
    """What a client's library raises for a call that ended with a status."""

    def __init__(self, code: grpc.StatusCode, details: str = "", metadata: Any = None) -> None:
        self._code, self._details, self._metadata = code, details, metadata

    @classmethod
    def of(cls, status: grpc.Status) -> "Failed":
        return cls(status.code, status.details, status.trailing_metadata)

    def code(self) -> grpc.StatusCode:
        return self._code

    def details(self) -> str:
        return self._details

    def trailing_metadata(self) -> Any:
        return self._metadata


def refused(**overrides: Any) -> RemoteRefusal:
    return RemoteRefusal(
        **{
            "kind": Kind.CONFLICT,
            "type": "slot-full",
            "it": "Lo slot {è} pieno.",
            "en": "The slot {is} full.",
            "field": "slot_id",
            "retry_after_seconds": 30,
            "facts": {"capacity": "3"},
            **overrides,
        }
    )


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.UNAVAILABLE])
def test_everything_about_a_refusal_arrives(kind: Kind) -> None:
    status = status_of(refused(kind=kind))
    assert status.code is CODES[kind]
    arrived = refusal_from(Failed.of(status))
    assert isinstance(arrived, RemoteRefusal)
    assert arrived.kind is kind
    assert arrived.type == "slot-full"
    assert arrived.message("it") == "Lo slot {è} pieno."
    assert arrived.message("en") == "The slot {is} full."
    assert arrived.field == "slot_id"
    assert arrived.retry_after_seconds == 30
    assert arrived.facts == {"capacity": "3"}
    assert status_of(arrived).trailing_metadata == status.trailing_metadata  # passed on unchanged


def test_a_part_that_is_down_stays_the_same_class_across_services() -> None:
    status = status_of(Unavailable(retry_after_seconds=7))
    assert status.code is CODES[Kind.UNAVAILABLE]
    arrived = refusal_from(Failed.of(status))
    assert isinstance(arrived, Unavailable)
    assert arrived.retry_after_seconds == 7


def test_other_languages_can_read_the_standard_details() -> None:
    status = status_pb2.Status.FromString(
        dict(status_of(refused()).trailing_metadata)["grpc-status-details-bin"]
    )
    assert [detail.TypeName().removeprefix("google.rpc.") for detail in status.details] == [
        "ErrorInfo",
        "LocalizedMessage",
        "LocalizedMessage",
        "BadRequest",
        "RetryInfo",
    ]
    violation = error_details_pb2.BadRequest()
    status.details[3].Unpack(violation)
    assert violation.field_violations[0].field == "slot_id"


@given(
    st.text(max_size=3000),
    st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), st.text(max_size=1000), max_size=30),
)
@example("😀" * 3000, {f"{'fact' * 30}{number}": "😀" * 1000 for number in range(30)})
def test_no_refusal_is_too_large_for_the_metadata(text: str, facts: dict[str, str]) -> None:
    safe = text.replace("{", "").replace("}", "")
    facts.pop("field", None)
    status = status_of(refused(it=safe, en=safe, field="f" * 3000, facts=facts))
    size = len(dict(status.trailing_metadata)["grpc-status-details-bin"])
    assert size * 4 / 3 + len(status.details) < 7_500  # of 8192
    assert isinstance(refusal_from(Failed.of(status)), RemoteRefusal)


@pytest.mark.parametrize(
    "code",
    [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.RESOURCE_EXHAUSTED],
)
def test_no_answer_is_unavailable_with_a_time_to_come_back(code: grpc.StatusCode) -> None:
    arrived = refusal_from(Failed(code, "connect failed: 10.0.0.7"))
    assert isinstance(arrived, Unavailable)
    assert arrived.retry_after_seconds
    assert "10.0.0.7" not in arrived.message("en")


def test_a_request_too_large_is_the_senders_fault() -> None:
    failed = Failed(grpc.StatusCode.RESOURCE_EXHAUSTED, "Sent message larger than max (2 vs. 1)")
    assert isinstance(refusal_from(failed), RequestTooLarge)


@pytest.mark.parametrize(
    "code", [grpc.StatusCode.UNIMPLEMENTED, grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN]
)
def test_a_fault_of_the_other_side_is_no_refusal(code: grpc.StatusCode) -> None:
    arrived = refusal_from(Failed(code, "what"))
    assert isinstance(arrived, RemoteFailure)
    assert not isinstance(arrived, Refusal)


def test_a_fault_tells_the_request_id_and_nothing_else() -> None:
    status = status_of_fault("request-9")
    assert status.code is grpc.StatusCode.INTERNAL
    assert status.details == "internal fault; request id request-9"
    assert isinstance(refusal_from(Failed.of(status)), RemoteFailure)


@pytest.mark.parametrize("raw", [b"\xff\xff\xff", b"", "text"])
def test_details_of_others_are_ignored(raw: bytes | str) -> None:
    failed = Failed(grpc.StatusCode.NOT_FOUND, "x", (("grpc-status-details-bin", raw),))
    assert isinstance(refusal_from(failed), RemoteFailure)


def test_an_invalid_field_keeps_its_own_texts() -> None:
    arrived = refusal_from(Failed.of(status_of(InvalidField(field="age", it="Età errata.", en="Wrong age."))))
    assert isinstance(arrived, RemoteRefusal)
    assert (arrived.field, arrived.message("it"), arrived.message("en")) == (
        "age",
        "Età errata.",
        "Wrong age.",
    )
