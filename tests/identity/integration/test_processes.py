"""The real processes and commands: they start, refuse to start wrongly, load a territory, keep secrets."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import grpc
import httpx
import psycopg
import pytest
from psycopg import sql

from deploy.broker.topology import topology
from deploy.local.ports import free_port
from deploy.local.programs import Program
from deploy.local.secrets import Secrets
from services.chassis.messaging.topology_apply import apply
from services.contracts.generated.ambito.identity.v1 import identity_pb2 as pb
from services.contracts.generated.ambito.identity.v1 import identity_pb2_grpc as pb_grpc
from services.contracts.territory import read_territory
from services.identity.domain.codice_fiscale import omocodic_variants, parse
from tests.identity.world import PASSWORD
from tests.support.broker import Vhost
from tests.support.polling import eventually
from tests.support.processes import ProgramRun

ROOT = Path(__file__).parents[3]
TERRITORY = ROOT / "deploy/data/tradate"
PERSON = {
    "codice_fiscale": "BNCMRA38T41L682G",
    "given_name": "Mariadolores",
    "family_name": "Bianchirossi",
    "birth_date": "1938-12-01",
    "comune": "L319",
    "address": "Vicolo Segretissimo 77",
    "email": "nonna.segreta@example.it",
    "phone": "+390331987654",
}


@dataclass
class Installation:
    """A database and an environment as a deployment gives them."""

    url: str
    environment: dict[str, str]
    passwords: Path
    directory: Path

    def run(self, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "services.identity", *arguments],
            cwd=ROOT,
            env=self.environment | changes,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def dump(self) -> str:
        """Everything the database holds, bytes both as hexadecimal digits and as the text they may be."""
        with psycopg.connect(self.url.replace("+psycopg", "")) as connection:
            tables = connection.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
            ).fetchall()
            rows = [
                row
                for (table,) in tables
                for row in connection.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(table)))
            ]
        cells = (cell for row in rows for cell in row)
        return "\n".join(cell.decode("latin-1") if isinstance(cell, bytes) else str(cell) for cell in cells)


@pytest.fixture
def installation(service_database: Callable[[str], str], tmp_path: Path) -> Installation:
    url = service_database("identity")
    secrets = Secrets(tmp_path / "secrets")
    territory = read_territory(TERRITORY)
    names = [each.login for each in territory.staff] + [each.client_id for each in territory.api_clients]
    environment = {
        "PATH": "/usr/bin:/bin",
        "DATABASE_URL": url,
        "GRPC_BIND": f"127.0.0.1:{free_port()}",
        "OPS_BIND": "127.0.0.1:0",
        "JWKS_FILE": str(secrets.jwks()),
        "SIGNING_KEY_FILE": str(secrets.signing_key()),
        "DATA_KEYS_FILE": str(secrets.key_ring("data")),
        "BLIND_INDEX_KEY_FILE": str(secrets.key("index")),
        "EVENT_DATA_KEY_FILE": str(secrets.key_ring("events")),
        "ARGON2_MEMORY_KIB": "8",
        "ARGON2_ITERATIONS": "1",
    }
    return Installation(url, environment, secrets.passwords("passwords.json", names), tmp_path)


def load(installation: Installation) -> str:
    done = installation.run("load", str(TERRITORY), "--passwords", str(installation.passwords))
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_territory_is_loaded_once_and_nothing_changes_the_second_time(installation: Installation) -> None:
    assert load(installation).endswith("8 comuni, 4 Social Points, 37 staff, 14 API clients\n")
    before = installation.dump()
    assert load(installation).endswith(" 0 comuni, 0 Social Points, 0 staff, 0 API clients\n")
    assert installation.dump() == before


def test_a_missing_password_stops_the_load_by_name_and_changes_nothing(installation: Installation) -> None:
    known = json.loads(installation.passwords.read_text())
    del known["op.venegono"]
    installation.passwords.write_text(json.dumps(known))
    before = installation.dump()
    done = installation.run("load", str(TERRITORY), "--passwords", str(installation.passwords))
    assert (done.returncode, done.stderr) == (1, "op.venegono: no password\n")
    assert installation.dump() == before


def test_a_load_leaves_a_disabled_cooperative_disabled(installation: Installation) -> None:
    load(installation)
    done = installation.run("clients", "disable", "casa-tiglio")
    assert (done.returncode, json.loads(done.stdout)) == (0, {"provider": "casa-tiglio", "changed": True})
    load(installation)

    def disabled() -> list[str]:
        listed = [json.loads(line) for line in installation.run("clients", "list").stdout.splitlines()]
        assert len(listed) == 14
        return [each["client_id"] for each in listed if each["disabled_since"]]

    assert disabled() == ["casa-tiglio-gestionale"]
    assert installation.run("clients", "enable", "casa-tiglio").returncode == 0
    assert disabled() == []


def test_residents_are_taken_over_once_and_wrong_lines_are_named(installation: Installation) -> None:
    load(installation)
    good = {
        "given_name": "Mario",
        "family_name": "Rossi",
        "sex": "M",
        "birth_date": "1942-03-15",
        "birthplace_belfiore": "L319",
        "codice_fiscale": "RSSMRA42C15L319Y",
        "residence_comune": "L319",
        "address": "Via Roma 1",
        "household": "l319-000001",
        "email": None,
        "phone": None,
        "language": "it",
    }
    other = omocodic_variants(parse("RSSMRA42C15L319Y"))[0].value
    lines = [
        good,
        good | {"codice_fiscale": other},
        good,  # twice in one file
        good | {"codice_fiscale": "RSSMRA42C15L319X"},
        good | {"residence_comune": "H501", "codice_fiscale": "FOXIOX50A31C273C", "birth_date": "1950-01-31"},
        good | {"sex": "X"},
    ]
    file = installation.directory / "residents.ndjson"
    file.write_text("\n".join(map(json.dumps, lines)) + "\nnot json\n")
    done = installation.run("load-citizens", str(file))
    assert done.returncode == 1
    assert "2 registered, 1 known already, 4 wrong" in done.stdout
    reasons = [line.split(": ")[0:2] for line in done.stderr.splitlines() if line.startswith("residents")]
    assert reasons == [
        ["residents.ndjson:4", "codice_fiscale"],
        ["residents.ndjson:5", "residence_comune"],
        ["residents.ndjson:6", "sex"],
        ["residents.ndjson:7", "line"],
    ]
    assert "RSSMRA42" not in done.stderr + done.stdout
    again = installation.run("load-citizens", str(file))
    assert "0 registered, 3 known already, 4 wrong" in again.stdout
    with psycopg.connect(installation.url.replace("+psycopg", "")) as connection:
        assert connection.execute("SELECT count(*), count(DISTINCT household_id) FROM person").fetchone() == (
            2,
            1,
        )
        told = connection.execute(
            "SELECT type, sequence, count(DISTINCT subject) FROM outbox GROUP BY 1, 2"
        ).fetchall()
    assert told == [("ambito.identity.person.registered.v1", 1, 2)]


def test_nothing_personal_is_in_a_log_or_in_clear_in_the_database(installation: Installation) -> None:
    load(installation)
    passwords = json.loads(installation.passwords.read_text())
    log = installation.directory / "grpc.log"
    command = (sys.executable, "-m", "services.identity", "grpc")
    run = ProgramRun(Program("identity", command, ROOT, installation.environment), log)
    try:
        with grpc.insecure_channel(installation.environment["GRPC_BIND"]) as channel:
            eventually(lambda: grpc.channel_ready_future(channel).result(timeout=30) is None)
            claim_code = _a_day_at_the_desk(channel, passwords["op.tradate"])
    finally:
        run.stop()
    kept, logged = installation.dump(), log.read_text()
    personal = [*(v for k, v in PERSON.items() if k != "comune"), "nonna.username", "private reason"]
    credentials = [PASSWORD, claim_code, passwords["op.tradate"], passwords["casa-tiglio-gestionale"]]
    for secret in [*personal, *credentials]:
        assert secret not in logged, f"{secret} is in the log"
        assert secret.lower() not in kept.lower(), f"{secret} is in the database"
        assert secret.encode().hex() not in kept
    assert '"rpc"' in logged, "calls are logged"
    assert "person.registered" in kept


def test_a_server_tells_how_it_finds_its_database(installation: Installation) -> None:
    port = free_port()
    environment = installation.environment | {"OPS_BIND": f"127.0.0.1:{port}"}
    command = (sys.executable, "-m", "services.identity", "grpc")
    run = ProgramRun(Program("identity", command, ROOT, environment), installation.directory / "grpc.log")
    try:
        with grpc.insecure_channel(environment["GRPC_BIND"]) as channel:
            eventually(lambda: grpc.channel_ready_future(channel).result(timeout=30) is None)
        told = httpx.get(f"http://127.0.0.1:{port}/status", timeout=30, trust_env=False).json()
    finally:
        run.stop()
    assert told["migrations"]["agreement"] == "same"
    assert told["outbox"] == {"waiting": 0, "oldest_seconds": 0}


def _a_day_at_the_desk(channel: grpc.Channel, password: str) -> str:
    """Registers, mistypes, claims and reads; the claim code."""
    persons, sessions = pb_grpc.PersonServiceStub(channel), pb_grpc.SessionServiceStub(channel)
    token = sessions.LogIn(
        pb.LogInRequest(username="op.tradate", password=password), timeout=10
    ).tokens.access_token
    as_operator = [("authorization", f"Bearer {token}"), ("idempotency-key", "k-1")]
    request = pb.RegisterPersonAssistedRequest(
        details=pb.PersonDetails(sex=pb.SEX_FEMALE, **PERSON),
        social_point="tradate",
        identified_by="identity_card",
        consent=True,
    )
    answer = persons.RegisterPersonAssisted(request, timeout=10, metadata=as_operator)
    with pytest.raises(grpc.RpcError):
        persons.RegisterPersonAssisted(request, timeout=10, metadata=as_operator[:1])
    with pytest.raises(grpc.RpcError):
        sessions.LogIn(pb.LogInRequest(username="nonna.username", password=PASSWORD), timeout=10)
    read = pb.GetPersonRequest(person_id=answer.person.id, reason="private reason")
    assert persons.GetPerson(read, timeout=10, metadata=as_operator).person.details.email == PERSON["email"]
    claim = pb.ClaimAccountRequest(
        codice_fiscale=PERSON["codice_fiscale"],
        claim_code=answer.claim_code,
        username="nonna.username",
        password=PASSWORD,
    )
    assert persons.ClaimAccount(claim, timeout=10).person.claimed
    sessions.LogIn(pb.LogInRequest(username="nonna.username", password=PASSWORD), timeout=10)
    return str(answer.claim_code)


def test_the_worker_stops_when_asked_though_its_next_job_is_far_away(
    installation: Installation, vhost: Vhost
) -> None:
    address = f"127.0.0.1:{free_port()}"
    command = (sys.executable, "-m", "services.identity", "worker")
    environment = installation.environment | {"OPS_BIND": address, "AMQP_URL": vhost.amqp_url}
    with httpx.Client(base_url=vhost.management_url, timeout=30, trust_env=False) as management:
        needed = topology([])
        apply(needed, management, vhost.name, {user.name: "password" for user in needed.users})
    program = Program("identity-worker", command, ROOT, environment, stop_seconds=30)
    run = ProgramRun(program, installation.directory / "worker.log")

    def is_healthy() -> bool:
        try:
            with urllib.request.urlopen(f"http://{address}/health", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    try:
        eventually(is_healthy, timeout_seconds=60)
    finally:
        run.stop()
    assert "stopped" in run.log.read_text(), "it had to be killed"


def test_it_does_not_start_when_nobody_could_verify_its_tokens(installation: Installation) -> None:
    other = Secrets(installation.directory / "other").jwks()
    done = installation.run("grpc", JWKS_FILE=str(other))
    assert done.returncode == 1
    assert "the public half of signing key k1 is not in" in done.stderr


def test_a_key_that_is_no_key_is_named(installation: Installation) -> None:
    bad = installation.directory / "bad"
    bad.write_text("k1:bm90IGxvbmcgZW5vdWdo")
    done = installation.run("grpc", DATA_KEYS_FILE=str(bad))
    assert done.returncode == 1
    assert f"the key in {bad} cannot be used" in done.stderr
    assert "bm90IGxvbmcgZW5vdWdo" not in done.stderr


def test_a_new_key_is_written_once_for_its_owner_only(installation: Installation) -> None:
    file = installation.directory / "new.pem"
    assert installation.run("keys", "new", str(file)).returncode == 0
    assert file.stat().st_mode & 0o777 == 0o600
    written = file.read_bytes()
    assert installation.run("keys", "new", str(file)).returncode == 1
    assert file.read_bytes() == written
    printed = json.loads(installation.run("keys", "jwks", str(file), "--kid", "k9").stdout)
    assert [(key["kid"], key["crv"]) for key in printed["keys"]] == [("k9", "Ed25519")]
