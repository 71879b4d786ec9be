"""What the gateway itself promises, whatever the services do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from services.chassis.refusal import Kind, Refusal
from services.chassis.tokens import TokenSigner
from services.contracts.generated.ambito.catalogue.v1 import catalogue_pb2 as catalogue
from services.contracts.generated.ambito.identity.v1 import identity_pb2 as identity
from services.contracts.generated.ambito.vouchers.v1 import vouchers_pb2 as vouchers
from tests.gateway.conftest import PERSON, Edge
from tests.support.tokens import new_signing_key

BOOKING = "01929b6e-7a8b-7c3d-9e4f-5a6b7c8d9e40"
SLOT = "01929b6e-7a8b-7c3d-9e4f-5a6b7c8d9e41"


class VoucherExpired(Refusal):
    kind = Kind.CONFLICT
    type = "voucher-expired"
    it = "Il buono non vale il giorno {service_date}."
    en = "The voucher is not valid on {service_date}."


def timestamp(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> Timestamp:
    value = Timestamp()
    value.FromDatetime(datetime(year, month, day, hour, minute, tzinfo=UTC))
    return value


def booking(**changes: object) -> catalogue.Booking:
    values = {
        "id": BOOKING,
        "state": "confirmed",
        "person_id": str(PERSON),
        "service": "assistenza-domiciliare",
        "provider": "cooperativa-aurora",
        "slot_id": SLOT,
        "comune": "L733",
        "minutes": 60,
        "price_cents": 2205,
        "starts_at": timestamp(2026, 12, 1, 8),
        "ends_at": timestamp(2026, 12, 1, 9),
        "local_start": "2026-12-01T09:00:00+01:00",
        "created_at": timestamp(2026, 11, 23, 10),
        "version": 1,
    }
    return catalogue.Booking(**{**values, **changes})  # type: ignore[arg-type]


def book(edge: Edge, body: object = None, **headers: str) -> httpx.Response:
    body = {"slot_id": SLOT} if body is None else body
    return edge.client.post(
        "/api/v1/bookings", json=body, headers={**edge.token(), "Idempotency-Key": "k", **headers}
    )


def test_a_booking_is_told_in_the_forms_of_modi(edge: Edge) -> None:
    edge.services.answers["BookSlot"] = catalogue.BookSlotResponse(booking=booking())
    answer = book(edge)
    assert answer.status_code == 201
    told = answer.json()
    assert told["price"] == {"amount": "22.05", "currency": "EUR"}
    assert told["duration"] == "PT60M"
    assert told["starts_at"] == "2026-12-01T08:00:00.000Z"
    assert told["voucher_id"] is None
    assert told["reason"] is None


def test_what_travels_with_a_call(edge: Edge) -> None:
    edge.services.answers["BookSlot"] = catalogue.BookSlotResponse(booking=booking())
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    answer = book(edge, traceparent=trace, **{"X-Request-Id": "mine-1"})
    name, request, metadata, seconds = edge.services.calls[0]
    assert name == "BookSlot"
    assert catalogue.BookSlotRequest.FromString(request).slot_id == SLOT
    assert metadata["idempotency-key"] == "k"
    assert metadata["authorization"].startswith("Bearer ey")
    assert metadata["traceparent"].split("-")[1] == trace.split("-")[1]
    assert metadata["x-request-id"] == answer.headers["X-Request-Id"] == "mine-1"
    assert 0 < seconds < 3  # a deadline travels, rounded up by the transport


@pytest.mark.parametrize(
    ("language", "detail"),
    [
        ("it-IT,en;q=0.5", "Il buono non vale il giorno 2026-12-01."),
        ("en", "The voucher is not valid on 2026-12-01."),
        ("de", "Il buono non vale il giorno 2026-12-01."),
    ],
)
def test_a_refusal_becomes_a_problem_in_the_callers_language(edge: Edge, language: str, detail: str) -> None:
    edge.services.answers["BookSlot"] = VoucherExpired(field="voucher_id", service_date="2026-12-01")
    answer = book(edge, **{"Accept-Language": language})
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["type"] == "urn:ambito:problem:voucher-expired"
    assert problem["detail"] == detail
    assert problem["errors"] == [{"field": "voucher_id", "reason": detail}]
    assert problem["facts"] == {"service_date": "2026-12-01"}


def test_a_fault_reveals_nothing(edge: Edge) -> None:
    edge.services.answers["BookSlot"] = RuntimeError("RSSMRA42C15L319Y")
    answer = book(edge)
    assert answer.status_code == 500
    assert answer.json()["type"] == "urn:ambito:problem:internal-fault"
    assert "RSSMRA" not in answer.text


def test_a_fault_of_the_gateway_itself_is_a_problem_too(edge: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.api.catalogue.Items", None)
    edge.services.answers["ListComuni"] = catalogue.ListComuniResponse()
    answer = edge.client.get("/api/v1/comuni")
    assert answer.status_code == 500
    assert answer.json()["type"] == "urn:ambito:problem:internal-fault"
    assert answer.json()["request_id"] == answer.headers["X-Request-Id"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_service_that_is_down_is_503_with_retry_after(
    edge_without_services: Edge,
) -> None:
    edge = edge_without_services
    answer = book(edge)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) >= 1
    status = edge.client.get("/status")
    assert status.status_code == 503
    assert status.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "slot_id"),
        ({"slot_id": "seven"}, "slot_id"),
        ({"slot_id": SLOT, "surprise": 1}, "surprise"),
        ({"slot_id": SLOT, "voucher_id": 7}, "voucher_id"),
    ],
)
def test_a_wrong_body_is_named_field_by_field_and_reaches_nobody(
    edge: Edge, body: object, field: str
) -> None:
    answer = book(edge, body)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert edge.services.calls == []


def test_bodies_that_are_no_json_no_object_too_large_or_of_another_type(edge: Edge) -> None:
    headers = {**edge.token(), "Idempotency-Key": "k"}

    def post(content: bytes, media_type: str = "application/json") -> httpx.Response:
        sent = {**headers, "Content-Type": media_type}
        return edge.client.post("/api/v1/bookings", content=content, headers=sent)

    assert post(b'{"slot_id": ').status_code == 400
    assert post(b"[]").status_code == 422
    assert post(b'{"slot_id": "' + b"x" * 70_000 + b'"}').status_code == 413
    assert post(b"a=b", "application/x-www-form-urlencoded").status_code == 415
    assert edge.services.calls == []


def test_a_body_of_unknown_length_is_stopped_at_the_limit(edge: Edge) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(100):
            yield b" " * 1000

    headers = {**edge.token(), "Idempotency-Key": "k", "Content-Type": "application/json"}
    assert edge.client.post("/api/v1/bookings", content=pieces(), headers=headers).status_code == 413


def test_an_idempotency_key_is_required_to_create(edge: Edge) -> None:
    answer = edge.client.post("/api/v1/bookings", json={"slot_id": SLOT}, headers=edge.token())
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "Idempotency-Key"


def test_tokens_absent_forged_expired_or_of_another_scheme(edge: Edge) -> None:
    forged = TokenSigner(new_signing_key(), "test-1").sign(
        {"sub": "account", "roles": ["plan_office:tradate"]}, 600
    )
    expired = edge.signer.sign({"sub": "account", "roles": []}, -60)
    for header, name in (
        (None, "unauthenticated"),
        (f"Bearer {forged}", "token-invalid"),
        (f"Bearer {expired}", "token-expired"),
        ("Basic YTpi", "token-invalid"),
    ):
        headers = {"Authorization": header} if header else {}
        answer = edge.client.get("/api/v1/bookings", headers=headers)
        assert answer.status_code == 401, header
        assert answer.json()["type"] == f"urn:ambito:problem:{name}"
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert edge.services.calls == []


def test_unknown_addresses_and_methods_are_problems_too(edge: Edge) -> None:
    nothing = edge.client.get("/api/v1/nothing")
    assert (nothing.status_code, nothing.json()["type"]) == (404, "urn:ambito:problem:no-such-resource")
    wrong = edge.client.delete("/api/v1/bookings")
    assert (wrong.status_code, wrong.json()["type"]) == (405, "urn:ambito:problem:method-not-allowed")
    assert "POST" in wrong.headers["Allow"] or "GET" in wrong.headers["Allow"]


def test_every_answer_carries_security_headers_and_is_not_cached(edge: Edge) -> None:
    edge.services.answers["ListComuni"] = catalogue.ListComuniResponse()
    for path in ("/api/v1/comuni", "/api/v1/nothing"):
        headers = edge.client.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert re.fullmatch(r"[0-9a-f]{32}", headers["X-Request-Id"])
    assert edge.client.get("/api/v1/comuni").json() == {"items": []}


def test_lists_of_vouchers_with_nested_messages(edge: Edge) -> None:
    voucher = vouchers.Voucher(
        id=BOOKING,
        person_id=str(PERSON),
        plan_id=SLOT,
        plan_line_id=SLOT,
        unit=vouchers.UNIT_MINUTES,
        valid_from="2026-12-01",
        valid_to="2027-05-31",
        balance=vouchers.Balance(issued=1200, available=1200),
        assignments=[vouchers.Assignment(provider="cooperativa-aurora", valid_from="2026-12-01")],
        issued_at=timestamp(2026, 11, 23),
    )
    edge.services.answers["ListVouchers"] = vouchers.ListVouchersResponse(items=[voucher])
    told = edge.client.get("/api/v1/vouchers", headers=edge.token()).json()
    assert told["next_cursor"] is None
    assert told["items"][0]["unit"] == "minutes"
    assert told["items"][0]["assignments"] == [
        {"provider": "cooperativa-aurora", "valid_from": "2026-12-01", "valid_to": None}
    ]
    asked = vouchers.ListVouchersRequest.FromString(edge.services.calls[0][1])
    assert asked.person_id == str(PERSON)


def test_the_clients_address_reaches_the_log_in(edge: Edge) -> None:
    edge.services.answers["LogIn"] = identity.LogInResponse(tokens=identity.Tokens(access_token="a"))
    answer = edge.client.post(
        "/api/v1/sessions",
        json={"username": "anna", "password": "secret"},
        headers={"X-Forwarded-For": "203.0.113.9"},
    )
    assert answer.status_code == 201
    # No proxy is trusted here, so what the header claims is not believed.
    assert edge.services.calls[0][2]["client-address"] == "127.0.0.1"


def test_the_page_on_which_to_try_the_api_needs_nothing_from_elsewhere(edge: Edge) -> None:
    page = edge.client.get("/docs")
    assert page.status_code == 200
    sources = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(sources) == 3
    for source in sources:
        assert source.startswith("/")
        assert edge.client.get(source).status_code == 200
    assert edge.client.get("/docs/app.py").status_code == 404
    assert edge.client.get("/openapi.json").json()["openapi"].startswith("3.1")
