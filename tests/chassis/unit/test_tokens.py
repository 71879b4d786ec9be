"""Tokens: what is accepted, what is refused, and how keys come and go."""

import base64
import json
import time
import uuid
from pathlib import Path

import jwt
import pytest

from services.chassis import tokens
from services.chassis.caller import Role
from services.chassis.tokens import TokenExpired, TokenInvalid, TokenSigner, TokenVerifier
from tests.support.tokens import TokenIssuer, new_signing_key


class Clock:
    """Unix seconds, moved by hand."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@pytest.fixture
def issuer(tmp_path: Path) -> TokenIssuer:
    return TokenIssuer(tmp_path)


@pytest.fixture
def verifier(issuer: TokenIssuer) -> TokenVerifier:
    return TokenVerifier(issuer.jwks_file)


def encoded(part: dict[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def claims_of(token: str) -> dict[str, object]:
    claims: dict[str, object] = jwt.decode(token, options={"verify_signature": False})
    return claims


def test_the_caller_is_what_the_token_says(issuer: TokenIssuer, verifier: TokenVerifier) -> None:
    person, mother = uuid.uuid4(), uuid.uuid4()
    token = issuer.token(
        "account-7",
        "citizen:*",
        "social_worker:L319",
        person=str(person),
        acting_for={str(mother): ["read", "book"]},
    )
    caller = verifier.verify(token)
    assert caller.subject == "account-7"
    assert caller.person == person
    assert caller.roles == {Role("citizen", "*"), Role("social_worker", "L319")}
    assert caller.may_act_for(mother, "book")
    assert not caller.may_act_for(mother, "choose_provider")
    assert caller.token == token
    assert verifier.verify(token) is caller  # remembered


def test_a_token_of_another_key_under_our_key_id_is_refused(
    issuer: TokenIssuer, verifier: TokenVerifier
) -> None:
    forger = TokenSigner(new_signing_key(), "test-1")
    with pytest.raises(TokenInvalid):
        verifier.verify(forger.sign({"sub": "somebody"}, 600))


def test_a_token_with_changed_claims_is_refused(issuer: TokenIssuer, verifier: TokenVerifier) -> None:
    head, _, signature = issuer.token("somebody", "citizen:*").split(".")
    claims = claims_of(issuer.token("somebody", "plan_office:tradate"))
    with pytest.raises(TokenInvalid):
        verifier.verify(f"{head}.{encoded(claims)}.{signature}")


def test_a_token_without_signature_is_refused(issuer: TokenIssuer, verifier: TokenVerifier) -> None:
    claims = encoded(claims_of(issuer.token("somebody")))
    for algorithm in ("none", "None", "NONE"):
        with pytest.raises(TokenInvalid):
            verifier.verify(f"{encoded({'alg': algorithm, 'typ': 'JWT', 'kid': 'test-1'})}.{claims}.")


def test_a_token_signed_with_the_public_key_as_a_secret_is_refused(
    issuer: TokenIssuer, verifier: TokenVerifier
) -> None:
    public = issuer.signer.jwks()["keys"][0]["x"]
    forged = jwt.encode(claims_of(issuer.token("a")), public, algorithm="HS256", headers={"kid": "test-1"})
    with pytest.raises(TokenInvalid):
        verifier.verify(forged)


@pytest.mark.parametrize(("issued_by", "audience"), [("ambito", "elsewhere"), ("elsewhere", "ambito")])
def test_a_token_for_or_from_somebody_else_is_refused(
    tmp_path: Path, issued_by: str, audience: str, issuer: TokenIssuer, verifier: TokenVerifier
) -> None:
    other = TokenSigner(new_signing_key(), "test-2", issuer=issued_by, audience=audience)
    issuer.publish(issuer.signer, other)
    with pytest.raises(TokenInvalid):
        verifier.verify(other.sign({"sub": "somebody"}, 600))
    assert TokenVerifier(issuer.jwks_file, issuer=issued_by, audience=audience).verify(
        other.sign({"sub": "somebody"}, 600)
    )


def test_an_expired_token_is_refused_as_such(issuer: TokenIssuer, verifier: TokenVerifier) -> None:
    with pytest.raises(TokenExpired):
        verifier.verify(issuer.token("somebody", lifetime_seconds=-1))


def test_a_remembered_token_expires_too(issuer: TokenIssuer) -> None:
    clock = Clock()
    verifier = TokenVerifier(issuer.jwks_file, now=clock)
    token = issuer.token("somebody", lifetime_seconds=60)
    verifier.verify(token)
    clock.ahead = 61
    with pytest.raises(TokenExpired):
        verifier.verify(token)


def test_a_remembered_token_from_later_than_now_is_refused_too(issuer: TokenIssuer) -> None:
    """Seen by one process while all clocks were ahead, and by another only when they had been put right."""
    clock = Clock()
    token = issuer.token("somebody", lifetime_seconds=600)
    one, other = (TokenVerifier(issuer.jwks_file, now=clock) for _ in range(2))
    one.verify(token)
    clock.ahead = -60
    for verifier in (one, other):
        with pytest.raises(TokenInvalid):
            verifier.verify(token)
    clock.ahead = 0
    assert one.verify(token).subject == other.verify(token).subject == "somebody"


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "ù.è.ò", "a" * 100_000, ".."])
def test_nonsense_is_refused(verifier: TokenVerifier, token: str) -> None:
    with pytest.raises(TokenInvalid):
        verifier.verify(token)


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": "a", "person": "not a uuid"},
        {"sub": "a", "acting_for": {"not a uuid": []}},
        {"sub": "a", "roles": 3},
        {"sub": "a", "roles": [3]},
    ],
)
def test_well_signed_but_malformed_claims_are_refused(
    issuer: TokenIssuer, verifier: TokenVerifier, claims: dict[str, object]
) -> None:
    with pytest.raises(TokenInvalid):
        verifier.verify(issuer.signer.sign(claims, 600))


def test_a_new_key_is_found_and_a_withdrawn_one_forgotten(
    issuer: TokenIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "_RELOAD_INTERVAL_SECONDS", 0.0)
    verifier = TokenVerifier(issuer.jwks_file)
    old = issuer.token("somebody")
    verifier.verify(old)
    successor = TokenSigner(new_signing_key(), "test-2")
    issuer.publish(issuer.signer, successor)
    assert verifier.verify(successor.sign({"sub": "somebody"}, 600)).subject == "somebody"
    assert verifier.verify(old).subject == "somebody"  # both are good during the change

    issuer.publish(successor)
    with pytest.raises(TokenInvalid):
        verifier.verify(
            TokenSigner(new_signing_key(), "test-3").sign({"sub": "x"}, 600)
        )  # makes it look again
    with pytest.raises(TokenInvalid):
        verifier.verify(old)


def test_unknown_keys_do_not_make_it_read_the_file_over_and_over(issuer: TokenIssuer) -> None:
    verifier = TokenVerifier(issuer.jwks_file)
    verifier.verify(issuer.token("somebody"))
    issuer.jwks_file.unlink()  # reading again would lose the known key
    for kid in ("unknown-1", "unknown-2"):
        with pytest.raises(TokenInvalid):
            verifier.verify(TokenSigner(new_signing_key(), kid).sign({"sub": "x"}, 600))
    assert verifier.verify(issuer.token("somebody else")).subject == "somebody else"


def test_it_starts_before_identity_has_written_the_keys(
    tmp_path: Path, issuer: TokenIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "_RELOAD_INTERVAL_SECONDS", 0.0)
    late = tmp_path / "late.json"
    verifier = TokenVerifier(late)
    token = issuer.token("somebody")
    with pytest.raises(TokenInvalid):
        verifier.verify(token)
    issuer.jwks_file.rename(late)
    assert verifier.verify(token).subject == "somebody"


def test_it_remembers_a_bounded_number_of_tokens(issuer: TokenIssuer) -> None:
    verifier = TokenVerifier(issuer.jwks_file, cache_size=2)
    first, second, third = (issuer.token(name) for name in ("first", "second", "third"))
    remembered = verifier.verify(first)
    verifier.verify(second)
    assert verifier.verify(first) is remembered  # used again, so it is the second that has to go
    verifier.verify(third)
    assert verifier.verify(first) is remembered
    assert len(verifier._verified) == 2


def test_a_signer_needs_an_ed25519_key_and_a_subject() -> None:
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    pem = generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(ValueError, match="Ed25519"):
        TokenSigner(pem, "kid")
    with pytest.raises(ValueError, match="subject"):
        TokenSigner(new_signing_key(), "kid").sign({}, 60)


def test_the_published_key_set_holds_no_private_part(issuer: TokenIssuer) -> None:
    (key,) = issuer.signer.jwks()["keys"]
    assert key.keys() == {"kty", "crv", "x", "kid", "use", "alg"}
