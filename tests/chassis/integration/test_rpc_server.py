"""What surrounds every handler: who calls, how long they wait, what they are told, what is logged."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import jwt
import pytest
import structlog
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from prometheus_client import REGISTRY
from pydantic import BaseModel

from services.chassis.caller import ANONYMOUS
from services.chassis.refusal import Forbidden, Kind, NotFound, Refusal
from services.chassis.rpc import health
from services.chassis.rpc.client import call, open_channel
from services.chassis.rpc.context import caller_of, idempotency_key_of, remaining_seconds
from services.chassis.rpc.server import RpcServer
from services.chassis.rpc.status import RemoteFailure, RemoteRefusal, refusal_from
from services.chassis.tokens import TokenSigner, TokenVerifier
from services.chassis.tracing import current_trace_id, request_id, start_from
from tests.support.polling import eventually
from tests.support.rpc import SERVICE, Gate, method, serving, wait_until_idle
from tests.support.tokens import TokenIssuer, new_signing_key

SECRET = "RSSMRA80A01L319X"


class Person(BaseModel):
    age: int


def who(request: bytes, context: grpc.ServicerContext) -> bytes:
    caller = caller_of(context)
    return f"{caller.subject} {' '.join(sorted(map(str, caller.roles)))}".encode()


def trace(request: bytes, context: grpc.ServicerContext) -> bytes:
    return f"{request_id()} {current_trace_id()}".encode()


def key(request: bytes, context: grpc.ServicerContext) -> bytes:
    return repr(idempotency_key_of(context)).encode()


def left(request: bytes, context: grpc.ServicerContext) -> bytes:
    return repr(remaining_seconds()).encode()


def fail(request: bytes, context: grpc.ServicerContext) -> bytes:
    raise RuntimeError(f"secret {SECRET}")


def refuse(request: bytes, context: grpc.ServicerContext) -> bytes:
    raise NotFound(what="voucher", field="voucher_id", number=7)


def forbid(request: bytes, context: grpc.ServicerContext) -> bytes:
    raise Forbidden


class Misspelt(Refusal):
    kind = Kind.CONFLICT
    type = "misspelt"
    it = "Manca {qualcosa}."
    en = "Fine."


def misspell(request: bytes, context: grpc.ServicerContext) -> bytes:
    raise Misspelt


def validate(request: bytes, context: grpc.ServicerContext) -> bytes:
    Person.model_validate({"age": request.decode()})
    return b""


HANDLERS = {
    "Who": who,
    "Trace": trace,
    "Key": key,
    "Left": left,
    "Fail": fail,
    "Refuse": refuse,
    "Forbid": forbid,
    "Validate": validate,
    "Misspell": misspell,
}


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> TokenIssuer:
    return TokenIssuer(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def server(issuer: TokenIssuer) -> Iterator[RpcServer]:
    with serving(TokenVerifier(issuer.jwks_file), HANDLERS, deadline_cap_seconds=3) as started:
        yield started


@pytest.fixture(scope="module")
def channel(server: RpcServer) -> Iterator[grpc.Channel]:
    with open_channel(f"127.0.0.1:{server.port}") as opened:
        yield opened


def bare(channel: grpc.Channel, name: str, *metadata: tuple[str, str], request: bytes = b"") -> bytes:
    """A call made without our client."""
    answer: bytes = method(channel, name)(request, timeout=5, metadata=metadata)
    return answer


def refused(channel: grpc.Channel, authorization: str) -> RemoteRefusal:
    with pytest.raises(grpc.RpcError) as failed:
        bare(channel, "Who", ("authorization", authorization))
    refusal = refusal_from(failed.value)
    assert isinstance(refusal, RemoteRefusal)
    assert failed.value.code() is grpc.StatusCode.UNAUTHENTICATED
    return refusal


def test_the_handler_knows_who_calls(channel: grpc.Channel, issuer: TokenIssuer) -> None:
    caller = issuer.caller("account-7", "social_worker:L319", "citizen:*")
    answer = call(method(channel, "Who"), b"", caller=caller, deadline_seconds=5)
    assert answer == b"account-7 citizen:* social_worker:L319"


def test_without_a_token_the_caller_is_anonymous(channel: grpc.Channel) -> None:
    assert call(method(channel, "Who"), b"", caller=ANONYMOUS, deadline_seconds=5) == b" "


def test_a_forged_token_is_refused(channel: grpc.Channel) -> None:
    forged = TokenSigner(new_signing_key(), "test-1").sign({"sub": "x", "roles": ["plan_office:tradate"]}, 60)
    assert refused(channel, f"Bearer {forged}").type == "token-invalid"


def test_an_unsigned_token_is_refused(channel: grpc.Channel, issuer: TokenIssuer) -> None:
    claims = jwt.decode(issuer.token("x"), options={"verify_signature": False})
    unsigned = jwt.encode(claims, "", algorithm="none", headers={"kid": "test-1"})
    assert refused(channel, f"Bearer {unsigned}").type == "token-invalid"


def test_an_expired_token_is_refused(channel: grpc.Channel, issuer: TokenIssuer) -> None:
    assert refused(channel, f"Bearer {issuer.token('x', lifetime_seconds=-1)}").type == "token-expired"


def test_a_token_for_another_audience_is_refused(channel: grpc.Channel, issuer: TokenIssuer) -> None:
    elsewhere = TokenSigner(new_signing_key(), "test-2", audience="elsewhere")
    issuer.publish(issuer.signer, elsewhere)
    assert refused(channel, f"Bearer {elsewhere.sign({'sub': 'x'}, 60)}").type == "token-invalid"


@pytest.mark.parametrize("authorization", ["", "Basic YTpi", "Bearer", "Bearer ", "Bearerx"])
def test_anything_else_than_a_bearer_token_is_refused(channel: grpc.Channel, authorization: str) -> None:
    assert refused(channel, authorization).type == "token-invalid"


def test_a_refusal_arrives_with_all_its_details(channel: grpc.Channel) -> None:
    with pytest.raises(RemoteRefusal) as caught:
        call(method(channel, "Refuse"), b"", caller=ANONYMOUS, deadline_seconds=5)
    refusal = caught.value
    assert (refusal.type, refusal.field) == ("not-found", "voucher_id")
    assert refusal.facts == {"what": "voucher", "number": "7"}
    assert refusal.message("it") == "Non trovato: voucher."


def test_a_value_that_pydantic_rejects_is_the_senders_fault(channel: grpc.Channel) -> None:
    with pytest.raises(RemoteRefusal) as caught:
        call(method(channel, "Validate"), b"x", caller=ANONYMOUS, deadline_seconds=5)
    assert (caught.value.type, caught.value.field) == ("invalid-field", "age")
    assert caught.value.message("it") == "Deve essere un numero intero."


def test_an_unexpected_exception_reveals_nothing(channel: grpc.Channel) -> None:
    with structlog.testing.capture_logs() as log, pytest.raises(grpc.RpcError) as failed:
        bare(channel, "Fail", ("x-request-id", "request-5"))
    assert failed.value.code() is grpc.StatusCode.INTERNAL
    told = f"{failed.value.details()} {failed.value.trailing_metadata()}"
    assert "request-5" in told
    for inside in (SECRET, "RuntimeError", "secret", "test_rpc_server"):
        assert inside not in told
    logged = eventually(lambda: [line for line in log if line["event"] == "rpc failed"])
    assert logged[0]["exc_info"]
    with pytest.raises(RemoteFailure):
        call(method(channel, "Fail"), b"", caller=ANONYMOUS, deadline_seconds=5)


def test_a_refusal_that_cannot_be_told_is_a_fault(channel: grpc.Channel) -> None:
    with pytest.raises(grpc.RpcError) as failed:
        bare(channel, "Misspell")
    assert failed.value.code() is grpc.StatusCode.INTERNAL
    assert "qualcosa" not in str(failed.value.trailing_metadata())


def test_a_call_without_deadline_is_refused(channel: grpc.Channel) -> None:
    with pytest.raises(grpc.RpcError) as failed:
        method(channel, "Who")(b"")
    assert failed.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert failed.value.details() == "deadline-required"


def test_the_handler_knows_how_long_its_caller_waits_up_to_the_cap(channel: grpc.Channel) -> None:
    def remaining(seconds: float) -> float:
        return float(call(method(channel, "Left"), b"", caller=ANONYMOUS, deadline_seconds=seconds))

    assert 0 < remaining(2) < 2.5  # gRPC rounds deadlines up a little
    assert 2.5 < remaining(60) <= 3


def test_request_id_and_trace_are_continued(channel: grpc.Channel) -> None:
    with start_from("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "request-1"):
        answer = call(method(channel, "Trace"), b"", caller=ANONYMOUS, deadline_seconds=5)
    assert answer == b"request-1 0af7651916cd43dd8448eb211c80319c"


def test_a_call_without_a_trace_begins_one(channel: grpc.Channel) -> None:
    answer = call(method(channel, "Trace"), b"", caller=ANONYMOUS, deadline_seconds=5)
    assert re.fullmatch(rb"([0-9a-f]{32}) \1", answer)


def test_the_idempotency_key_arrives_and_is_checked(channel: grpc.Channel) -> None:
    def keyed(value: str | None) -> object:
        return call(method(channel, "Key"), b"", caller=ANONYMOUS, deadline_seconds=5, idempotency_key=value)

    assert keyed("abc-1") == b"'abc-1'"
    assert keyed(None) == b"None"
    with pytest.raises(RemoteRefusal) as caught:
        keyed("with space")
    assert caught.value.field == "idempotency_key"


def test_one_line_is_logged_and_it_holds_no_token_and_no_content(
    channel: grpc.Channel, issuer: TokenIssuer
) -> None:
    with structlog.testing.capture_logs() as log:
        call(method(channel, "Who"), SECRET.encode(), caller=issuer.caller("account-7"), deadline_seconds=5)
        with pytest.raises(Refusal):
            call(method(channel, "Forbid"), SECRET.encode(), caller=ANONYMOUS, deadline_seconds=5)
    lines = eventually(lambda: [line for line in log if line["event"] == "rpc"])
    assert all(line.keys() == {"event", "log_level", "method", "outcome", "ms", "subject"} for line in lines)
    assert [(line["method"], line["outcome"], line["subject"]) for line in lines] == [
        (f"{SERVICE}/Who", "ok", "account-7"),
        (f"{SERVICE}/Forbid", "forbidden", ""),
    ]
    assert SECRET not in str(log)


def test_calls_are_counted_by_method_and_outcome(channel: grpc.Channel) -> None:
    def counted(code: str) -> float:
        labels = {"method": f"{SERVICE}/Forbid", "code": code}
        return REGISTRY.get_sample_value("rpc_calls_total", labels) or 0.0

    before = counted("PERMISSION_DENIED")
    with pytest.raises(Refusal):
        call(method(channel, "Forbid"), b"", caller=ANONYMOUS, deadline_seconds=5)
    assert counted("PERMISSION_DENIED") == before + 1
    assert counted("OK") == 0
    assert REGISTRY.get_sample_value("rpc_call_seconds_count", {"method": f"{SERVICE}/Forbid"})


def test_a_message_over_the_limit_is_refused_by_the_server_too(server: RpcServer) -> None:
    with (
        grpc.insecure_channel(f"127.0.0.1:{server.port}") as unlimited,
        pytest.raises(grpc.RpcError) as failed,
    ):
        bare(unlimited, "Who", request=b"x" * (1024 * 1024 + 1))
    assert failed.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_reflection_lists_the_service(channel: grpc.Channel) -> None:
    assert SERVICE in ProtoReflectionDescriptorDatabase(channel).get_services()


class Patient:
    """A check that can be made to fail."""

    well = True

    def __call__(self) -> None:
        if not self.well:
            raise ConnectionError("database")


def status_of(channel: grpc.Channel, service: str) -> Any:  # protobuf's enum
    stub = health_pb2_grpc.HealthStub(channel)
    return stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=5).status


def test_health_follows_the_check(issuer: TokenIssuer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_INTERVAL_SECONDS", 0.02)
    patient = Patient()
    serving_now, not_serving = (
        health_pb2.HealthCheckResponse.SERVING,
        health_pb2.HealthCheckResponse.NOT_SERVING,
    )
    with (
        serving(TokenVerifier(issuer.jwks_file), HANDLERS, check=patient) as server,
        open_channel(f"127.0.0.1:{server.port}") as channel,
    ):
        assert status_of(channel, "") == serving_now
        assert status_of(channel, SERVICE) == serving_now
        patient.well = False
        eventually(lambda: status_of(channel, SERVICE) == not_serving)
        assert status_of(channel, "") == not_serving
        patient.well = True
        eventually(lambda: status_of(channel, SERVICE) == serving_now)


def test_a_server_that_starts_without_its_database_says_so_at_once(issuer: TokenIssuer) -> None:
    patient = Patient()
    patient.well = False
    with (
        serving(TokenVerifier(issuer.jwks_file), HANDLERS, check=patient) as server,
        open_channel(f"127.0.0.1:{server.port}") as channel,
    ):
        assert status_of(channel, "") == health_pb2.HealthCheckResponse.NOT_SERVING


def test_a_server_that_answers_no_call_is_not_well(issuer: TokenIssuer) -> None:
    gate = Gate()
    verifier = TokenVerifier(issuer.jwks_file)
    with (
        serving(verifier, {"Wait": gate}, threads=1) as server,
        open_channel(f"127.0.0.1:{server.port}") as channel,
    ):
        server.check()
        waiting = method(channel, "Wait").future(b"", timeout=30)
        eventually(lambda: gate.entered)
        with pytest.raises(grpc.RpcError, match="DEADLINE_EXCEEDED"):
            server.check()
        gate.open()
        waiting.result(timeout=10)
        server.check()


def test_a_server_that_turns_calls_away_is_well(issuer: TokenIssuer) -> None:
    gate = Gate()
    with (
        serving(TokenVerifier(issuer.jwks_file), {"Wait": gate}, maximum_concurrent_rpcs=1) as server,
        open_channel(f"127.0.0.1:{server.port}") as channel,
    ):
        wait_until_idle(server, channel)
        waiting = method(channel, "Wait").future(b"", timeout=30)
        eventually(lambda: gate.entered)
        with pytest.raises(grpc.RpcError, match="RESOURCE_EXHAUSTED"):
            status_of(channel, "")
        server.check()
        gate.open()
        waiting.result(timeout=10)


def test_two_servers_cannot_share_a_port(server: RpcServer, issuer: TokenIssuer) -> None:
    with pytest.raises(RuntimeError, match="bind"):
        RpcServer(f"127.0.0.1:{server.port}", [], TokenVerifier(issuer.jwks_file), check=lambda: None)


def test_a_method_that_takes_a_stream_is_refused_at_the_start(tmp_path: Path) -> None:
    def add(_: object, server: grpc.Server) -> None:
        streaming = grpc.stream_unary_rpc_method_handler(lambda _requests, _context: b"")
        server.add_registered_method_handlers(SERVICE, {"Tell": streaming})  # type: ignore[attr-defined]

    with pytest.raises(TypeError, match="Tell takes a stream"):
        RpcServer("127.0.0.1:0", [(add, None)], TokenVerifier(tmp_path / "none"), check=lambda: None)
