"""Every operation × every sort of caller, over gRPC, with real tokens: deny by default."""

import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message

from services.chassis.ids import new_id
from services.chassis.rpc.server import RpcServer
from services.chassis.tokens import TokenVerifier
from services.contracts.generated.ambito.identity.v1 import identity_pb2 as pb
from services.contracts.generated.ambito.identity.v1 import identity_pb2_grpc as pb_grpc
from services.identity.application.grant_delegation import grant_delegation
from services.identity.application.log_in import log_in
from services.identity.entrypoints.grpc_api import servicers
from services.identity.persistence import territory
from services.identity.persistence.persons import PersonRecord
from tests.identity.world import PASSWORD, World, attempt, make_world, new_details
from tests.support.postgres import Postgres

OK, DENIED = grpc.StatusCode.OK, grpc.StatusCode.PERMISSION_DENIED
HIDDEN, UNKNOWN = grpc.StatusCode.NOT_FOUND, grpc.StatusCode.UNAUTHENTICATED
SECRET = "a secret of sixteen characters"

CALLERS = (
    "anonymous",
    "herself",
    "delegate",
    "delegate who may not read",
    "another citizen",
    "operator here",
    "operator elsewhere",
    "operator elsewhere, assisting her",
    "social worker of her comune",
    "social worker of another comune",
    "officer of her comune",
    "officer of another comune",
    "plan office",
    "cooperative's staff",
    "cooperative's system",
)
EVERYBODY = dict.fromkeys(CALLERS, OK)


def only(allowed: str, hidden: str = "") -> dict[str, grpc.StatusCode]:
    """Who may (`allowed`, separated by |), who finds nothing (`hidden`); everybody else is denied."""
    may, finds_nothing = set(allowed.split("|")), set(filter(None, hidden.split("|")))
    assert may | finds_nothing <= set(CALLERS)
    answers = {
        caller: OK if caller in may else HIDDEN if caller in finds_nothing else DENIED for caller in CALLERS
    }
    return answers | {"anonymous": UNKNOWN}


_FILE = only(
    "herself|delegate|operator here|operator elsewhere, assisting her"
    "|social worker of her comune|officer of her comune",
    "operator elsewhere|social worker of another comune|officer of another comune",
)
MATRIX: Mapping[str, Mapping[str, grpc.StatusCode]] = {
    "RegisterPerson": EVERYBODY,
    "RegisterPersonAssisted": only("operator here"),
    "IssueClaimCode": only("operator here"),
    "ClaimAccount": EVERYBODY,
    "GetPerson": _FILE,
    "FindPerson": only(
        "operator here|operator elsewhere|operator elsewhere, assisting her"
        "|social worker of her comune|officer of her comune",
        "social worker of another comune|officer of another comune",
    ),
    "ListReads": only("herself|delegate|operator elsewhere, assisting her"),
    "LogIn": EVERYBODY,
    "RefreshSession": EVERYBODY,
    "LogOut": EVERYBODY,
    "AuthenticateClient": EVERYBODY,
    "GetKeys": EVERYBODY,
    "GrantDelegation": only("herself|operator here|operator elsewhere, assisting her", "operator elsewhere"),
    "RevokeDelegation": only(
        "herself|operator here|operator elsewhere, assisting her",
        "operator elsewhere|delegate|delegate who may not read|another citizen",
    ),
    "ListDelegations": _FILE,
    "StartAssistance": only("operator here"),
}


@dataclass
class Desk:
    """A served identity in which `person` was registered at the Social Point of Tradate, where she lives."""

    world: World
    channel: grpc.Channel
    person: PersonRecord
    tokens: Mapping[str, str]

    def ask(self, operation: str, caller: str) -> grpc.StatusCode:
        metadata = [("authorization", f"Bearer {self.tokens[caller]}")] if self.tokens[caller] else []
        try:
            _method(self.channel, operation)(request(self, operation), timeout=10, metadata=metadata)
        except grpc.RpcError as error:
            return error.code()
        return OK


@pytest.fixture(scope="module")
def desk(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    url = postgres.service_database("identity")
    world = make_world(url)
    jwks = json.dumps(world.parts.signer.jwks())
    jwks_file: Path = tmp_path_factory.mktemp("keys") / "jwks.json"
    jwks_file.write_text(jwks)
    server = RpcServer(
        "127.0.0.1:0", servicers(world.parts, jwks), TokenVerifier(jwks_file), check=world.database.ping
    )
    server.start()
    person, _ = world.assisted()
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield Desk(world, channel, person, _tokens(world, person))
    server.stop(5)
    world.database.dispose()
    postgres.drop_database(url)


def _tokens(world: World, person: PersonRecord) -> dict[str, str]:
    with world.database.transaction() as connection:
        territory.save_client(
            connection,
            client_id="casa-tiglio-it",
            provider="casa-tiglio",
            name="Casa Tiglio",
            secret_index=world.parts.data.index_secret(SECRET, "casa-tiglio-it"),
        )
    reader, booker, _ = (world.registered(username=name) for name in ("reader", "booker", "other"))
    for delegate, power in ((reader, "read"), (booker, "book")):
        grant_delegation(
            world.parts,
            world.herself(person),
            attempt(),
            principal_id=person.id,
            delegate_codice_fiscale=delegate.details.codice_fiscale.value,
            powers=[power],
            valid_to=None,
            consent=False,
        )

    def of_person(username: str) -> str:
        done = log_in(world.parts, username=username, password=PASSWORD, client_address=None)
        return done.tokens.access_token

    def of_staff(role: str, **claims: object) -> str:
        caller = world.staff(role)
        return world.parts.signer.sign({"sub": caller.subject, "roles": [role], **claims}, 600)

    elsewhere = "social_point_operator:venegono-inferiore"
    herself = {"sub": str(new_id()), "person": str(person.id), "roles": ["citizen:*"]}
    return {
        "anonymous": "",
        "herself": world.parts.signer.sign(herself, 600),
        "delegate": of_person("reader"),
        "delegate who may not read": of_person("booker"),
        "another citizen": of_person("other"),
        "operator here": of_staff("social_point_operator:tradate"),
        "operator elsewhere": of_staff(elsewhere),
        "operator elsewhere, assisting her": of_staff(
            elsewhere, acting_for={str(person.id): ["book", "choose_provider", "read"]}
        ),
        "social worker of her comune": of_staff("social_worker:L319"),
        "social worker of another comune": of_staff("social_worker:L733"),
        "officer of her comune": of_staff("comune_officer:L319"),
        "officer of another comune": of_staff("comune_officer:L733"),
        "plan office": of_staff("plan_office:tradate"),
        "cooperative's staff": of_staff("provider_staff:casa-tiglio"),
        "cooperative's system": world.parts.signer.sign(
            {"sub": "casa-tiglio-it", "roles": ["provider_client:casa-tiglio"]}, 600
        ),
    }


_numbers = count(1)


def details_message() -> pb.PersonDetails:
    details = new_details()
    return pb.PersonDetails(
        codice_fiscale=details.codice_fiscale.value,
        given_name=details.given_name,
        family_name=details.family_name,
        birth_date=details.birth_date.isoformat(),
        sex=pb.SEX_MALE,
        comune=details.comune,
        address=details.address,
    )


def request(desk: Desk, operation: str) -> Message:
    """A request that would succeed for whoever may make it."""
    username, person_id = f"fresh{next(_numbers)}", str(desk.person.id)
    at_desk: dict[str, Any] = {"social_point": "tradate", "identified_by": "passport", "consent": True}
    code = desk.person.details.codice_fiscale.value

    def session() -> str:
        done = log_in(desk.world.parts, username="other", password=PASSWORD, client_address=None)
        return done.tokens.refresh_token

    def claim() -> pb.ClaimAccountRequest:
        person, claim_code = desk.world.assisted()
        return pb.ClaimAccountRequest(
            codice_fiscale=person.details.codice_fiscale.value,
            claim_code=claim_code,
            username=username,
            password=PASSWORD,
        )

    def delegate() -> str:
        return desk.world.registered().details.codice_fiscale.value

    def granted() -> str:
        return str(
            grant_delegation(
                desk.world.parts,
                desk.world.herself(desk.person),
                attempt(),
                principal_id=desk.person.id,
                delegate_codice_fiscale=delegate(),
                powers=["read"],
                valid_to=None,
                consent=False,
            ).id
        )

    requests: dict[str, Callable[[], Message]] = {
        "RegisterPerson": lambda: pb.RegisterPersonRequest(
            details=details_message(), username=username, password=PASSWORD
        ),
        "RegisterPersonAssisted": lambda: pb.RegisterPersonAssistedRequest(
            details=details_message(), **at_desk
        ),
        "IssueClaimCode": lambda: pb.IssueClaimCodeRequest(person_id=person_id, **at_desk),
        "ClaimAccount": claim,
        "GetPerson": lambda: pb.GetPersonRequest(person_id=person_id, reason="a visit"),
        "FindPerson": lambda: pb.FindPersonRequest(codice_fiscale=code, reason="a visit"),
        "ListReads": lambda: pb.ListReadsRequest(person_id=person_id),
        "LogIn": lambda: pb.LogInRequest(username="other", password=PASSWORD),
        "RefreshSession": lambda: pb.RefreshSessionRequest(refresh_token=session()),
        "LogOut": lambda: pb.LogOutRequest(refresh_token=session()),
        "AuthenticateClient": lambda: pb.AuthenticateClientRequest(
            client_id="casa-tiglio-it", client_secret=SECRET
        ),
        "GetKeys": pb.GetKeysRequest,
        "GrantDelegation": lambda: pb.GrantDelegationRequest(
            principal_id=person_id, delegate_codice_fiscale=delegate(), powers=["read"], consent=True
        ),
        "RevokeDelegation": lambda: pb.RevokeDelegationRequest(delegation_id=granted()),
        "ListDelegations": lambda: pb.ListDelegationsRequest(person_id=person_id),
        "StartAssistance": lambda: pb.StartAssistanceRequest(person_id=person_id, purpose="book", **at_desk),
    }
    return requests[operation]()


def _method(channel: grpc.Channel, operation: str) -> Any:  # a stub's method
    stubs = (pb_grpc.PersonServiceStub, pb_grpc.SessionServiceStub, pb_grpc.DelegationServiceStub)
    return next(
        getattr(stub, operation) for stub in (make(channel) for make in stubs) if hasattr(stub, operation)
    )


def test_the_matrix_has_every_operation() -> None:
    offered = {m.name for service in pb.DESCRIPTOR.services_by_name.values() for m in service.methods}
    assert set(MATRIX) == offered


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("operation", MATRIX)
def test_who_may_what(desk: Desk, operation: str, caller: str) -> None:
    assert desk.ask(operation, caller) is MATRIX[operation][caller]


def test_an_expired_and_a_forged_token_are_nobodys(desk: Desk) -> None:
    expired = desk.world.parts.signer.sign({"sub": "x", "roles": ["social_worker:L319"]}, -60)
    forged = make_forged(desk.tokens["social worker of her comune"])
    for token in (expired, forged, "not.a.token"):
        with pytest.raises(grpc.RpcError) as refused:
            _method(desk.channel, "GetPerson")(
                request(desk, "GetPerson"), timeout=10, metadata=[("authorization", f"Bearer {token}")]
            )
        assert refused.value.code() is UNKNOWN


def make_forged(token: str) -> str:
    head, body, signature = token.split(".")
    return f"{head}.{body}.{signature[::-1]}"


def test_the_address_the_edge_saw_is_throttled(desk: Desk) -> None:
    log_in_at = _method(desk.channel, "LogIn")

    def guess(number: int) -> grpc.StatusCode:
        try:
            log_in_at(
                pb.LogInRequest(username=f"nobody{number}", password="wrong password"),
                timeout=10,
                metadata=[("client-address", "198.51.100.7")],
            )
        except grpc.RpcError as error:
            return error.code()
        return OK

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(guess, range(40)))
    assert answers.count(UNKNOWN) == 31
    assert answers.count(grpc.StatusCode.RESOURCE_EXHAUSTED) == 9


def test_the_same_key_over_the_wire_gives_the_same_answer(desk: Desk) -> None:
    register = _method(desk.channel, "RegisterPersonAssisted")
    wanted = request(desk, "RegisterPersonAssisted")
    metadata = [("authorization", f"Bearer {desk.tokens['operator here']}"), ("idempotency-key", "k-1")]
    first = register(wanted, timeout=10, metadata=metadata)
    assert register(wanted, timeout=10, metadata=metadata) == first
    with pytest.raises(grpc.RpcError) as refused:
        register(request(desk, "RegisterPersonAssisted"), timeout=10, metadata=metadata)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_the_published_keys_verify_the_tokens(desk: Desk, tmp_path: Path) -> None:
    answer = _method(desk.channel, "GetKeys")(pb.GetKeysRequest(), timeout=10)
    (tmp_path / "jwks.json").write_text(answer.jwks)
    caller = TokenVerifier(tmp_path / "jwks.json").verify(desk.tokens["delegate"])
    assert caller.acting_for == {desk.person.id: frozenset({"read"})}
