"""The secrets of an installation."""

import json
import stat
from pathlib import Path

import pytest

from deploy.local.secrets import SIGNING_KEY_ID, Secrets
from services.chassis.sealing import BlindIndex, Sealer
from services.chassis.tokens import TokenSigner, TokenVerifier


@pytest.fixture
def secrets(tmp_path: Path) -> Secrets:
    return Secrets(tmp_path / "secrets")


def test_they_are_made_once_and_for_their_owner_only(secrets: Secrets, tmp_path: Path) -> None:
    password = secrets.password("database-identity")
    assert Secrets(tmp_path / "secrets").password("database-identity") == password
    assert secrets.password("database-vouchers") != password
    secrets.jwks()
    secrets.key("index")
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "secrets").iterdir()}
    assert modes == {0o600}
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700


def test_the_key_set_verifies_what_the_signing_key_signs(secrets: Secrets) -> None:
    signer = TokenSigner(secrets.signing_key().read_bytes(), SIGNING_KEY_ID)
    token = signer.sign({"sub": "somebody"}, lifetime_seconds=60)
    assert TokenVerifier(secrets.jwks()).verify(token).subject == "somebody"


def test_keys_have_the_form_that_the_services_read(secrets: Secrets) -> None:
    sealer = Sealer.parse(secrets.key_ring("data-keys").read_text())
    assert sealer.open(sealer.seal("Tradate", "place"), "place") == "Tradate"
    assert len(BlindIndex.parse(secrets.key("index").read_text()).of("Tradate", "place")) == 32


def test_a_login_keeps_its_password_when_others_come_and_go(secrets: Secrets) -> None:
    first = json.loads(secrets.passwords("demo.json", ["anna", "bruno"]).read_text())
    second = json.loads(secrets.passwords("demo.json", ["bruno", "carla"]).read_text())
    assert second.keys() == {"bruno", "carla"}
    assert second["bruno"] == first["bruno"]
    assert len({*first.values(), *second.values()}) == 3
