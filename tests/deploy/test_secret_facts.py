"""What the image `operations` says of secrets, in a directory that was made and then damaged."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.containers.certificate import make_certificate
from deploy.containers.disabled import disabled, set_disabled
from deploy.containers.facts import Facts, SecretFacts
from deploy.containers.finding_out import find_out
from deploy.containers.secret_facts import certificate_facts, secret_facts
from deploy.containers.secrets import make
from deploy.local.secrets import Secrets
from services.contracts.territory import Territory, read_territory

TRADATE = Path(__file__).parents[2] / "deploy" / "data" / "tradate"


@pytest.fixture(scope="module")
def territory() -> Territory:
    return read_territory(TRADATE)


@pytest.fixture
def directory(tmp_path: Path, territory: Territory) -> Path:
    made = tmp_path / "secrets"
    make(made, territory)
    return made


def change(file: Path, to: Callable[[str], str]) -> None:
    file.chmod(0o644)
    file.write_text(to(file.read_text()))


def without(text: str, login: str) -> str:
    return json.dumps({name: each for name, each in json.loads(text).items() if name != login})


def test_secrets_as_they_are_made_are_in_order(directory: Path, territory: Territory) -> None:
    assert secret_facts(directory, territory) == SecretFacts(
        directory_mode=0o700, missing=[], faults={}, smtp="smtp://mail:25", certificate=None, disabled=[]
    )


@pytest.mark.parametrize(
    ("file", "to", "fault"),
    [
        ("vouchers-data-keys", lambda text: text.removeprefix("k1:"), "id:base64"),
        ("event-data-keys", lambda _: "", "id:base64"),
        ("identity-blind-index-key", lambda _: "not base64!", "base64"),
        ("jwks.json", lambda _: '{"keys": []}', "public half of signing-key.pem"),
        ("jwks.json", lambda _: "{", ""),
        ("jwks.json", lambda _: "{}", "the form"),
        ("accounts.json", lambda _: "[]", "the form"),
        ("accounts.json", lambda text: without(text, "casa-tiglio-gestionale"), "casa-tiglio-gestionale"),
        ("smtp-url", lambda _: "mail.example.it", "smtp://host:25"),
    ],
)
def test_a_damaged_file_is_named_with_its_fault(
    directory: Path, territory: Territory, file: str, to: Callable[[str], str], fault: str
) -> None:
    change(directory / file, to)
    faults = secret_facts(directory, territory).faults
    assert list(faults) == [file]
    assert fault in faults[file]


def test_no_password_is_told(directory: Path, territory: Territory) -> None:
    change(directory / "smtp-url", lambda _: "smtps://portale:a-password@mail.example.it:465")
    facts = secret_facts(directory, territory)
    assert facts.smtp == "smtps://mail.example.it:465"
    secret = {file.read_text().strip() for file in directory.iterdir() if file.name.startswith("broker-")}
    told = facts.model_dump_json()
    assert not [each for each in secret | {"a-password"} if each in told]


def test_what_is_missing_is_named_and_not_made(directory: Path, territory: Territory) -> None:
    (directory / "broker-coop-casa-tiglio").unlink()
    (directory / "database-identity").unlink()
    assert secret_facts(directory, territory).missing == ["broker-coop-casa-tiglio", "database-identity"]
    with pytest.raises(FileNotFoundError, match="database-identity is missing"):
        Secrets(directory, may_make=False).password("database-identity")
    assert not (directory / "database-identity").exists()


def test_a_certificate_is_described_and_the_key_of_another_is_a_fault(directory: Path) -> None:
    make_certificate(directory, ["portale.example.it"])
    found = certificate_facts(directory)
    assert found is not None
    assert (found.names, found.self_signed, found.fault) == (["portale.example.it"], True, "")
    kept = (directory / "tls.crt").read_bytes()
    for name in ("tls.crt", "tls.key"):
        (directory / name).unlink()
    make_certificate(directory, ["portale.example.it"])
    (directory / "tls.crt").chmod(0o644)
    (directory / "tls.crt").write_bytes(kept)
    damaged = certificate_facts(directory)
    assert damaged is not None
    assert damaged.fault == "tls.key is not the key of the first certificate in tls.crt"
    (directory / "tls.key").unlink()
    assert "tls.key" in (certificate_facts(directory) or found).fault


def test_a_part_that_cannot_be_asked_hides_no_other(directory: Path, tmp_path: Path) -> None:
    empty = tmp_path / "territory"
    empty.mkdir()
    found = find_out(directory, empty, tmp_path / "apart.yaml", ("secrets", "broker", "territory", "disk"))
    assert Facts.model_validate_json(found.model_dump_json()) == found
    assert found.unknown == {"broker": "the territory's folder is not valid"}
    assert found.secrets is not None
    assert found.disk is not None
    assert found.territory is not None
    assert found.territory.faults


def test_who_is_disabled_is_kept_among_the_secrets(directory: Path, territory: Territory) -> None:
    assert set_disabled(directory, "casa-tiglio", to=True)
    assert not set_disabled(directory, "casa-tiglio", to=True)
    assert set_disabled(directory, "filo-di-lana", to=True)
    make(directory, territory)  # as before every `up`
    assert disabled(directory) == {"casa-tiglio", "filo-di-lana"}
    assert secret_facts(directory, territory).disabled == ["casa-tiglio", "filo-di-lana"]
    assert set_disabled(directory, "casa-tiglio", to=False)
    assert not set_disabled(directory, "casa-tiglio", to=False)
    assert disabled(directory) == {"filo-di-lana"}
