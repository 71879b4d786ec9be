"""The processes of the application, as they are told to start."""

from pathlib import Path

from deploy.local.environment import SERVICES, Endpoints
from deploy.local.layout import Layout
from deploy.local.members import code_version, members
from deploy.local.secrets import Secrets
from deploy.local.state import Ports


def test_what_a_program_is_told_can_be_adjusted(tmp_path: Path) -> None:
    endpoints = Endpoints(
        {name: f"postgresql+psycopg://127.0.0.1/{name}" for name in SERVICES},
        {name: f"amqp://127.0.0.1/{name}" for name in SERVICES},
    )
    ports = Ports(tmp_path / "instance.json", well_known=False)

    def through_a_proxy(program: str, environment: dict[str, str]) -> dict[str, str]:
        if program == "catalogue-grpc":
            return environment | {"VOUCHERS_TARGET": "127.0.0.1:1"}
        return environment

    found = {
        member.program.name: member.program.environment
        for member in members(
            Layout(tmp_path), endpoints, ports, Secrets(tmp_path / "secrets"), "1", adjust=through_a_proxy
        )
    }
    assert found["catalogue-grpc"]["VOUCHERS_TARGET"] == "127.0.0.1:1"
    assert found["catalogue-worker"]["VOUCHERS_TARGET"] == f"127.0.0.1:{ports['vouchers-grpc']}"
    assert found["gateway"]["VOUCHERS_TARGET"] == f"127.0.0.1:{ports['vouchers-grpc']}"


def test_processes_are_replaced_when_code_or_a_lock_has_changed(tmp_path: Path) -> None:
    def version_with(file: str, text: str) -> str:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(text)
        return code_version(tmp_path)

    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "gateway.lock").touch()
    before = version_with("requirements/service.lock", "")
    assert version_with("gateway/portal/node_modules/made-up/made-up.js", "") == before
    after = [
        version_with(file, "changed")
        for file in ("gateway/portal/package-lock.json", "gateway/app.py", "requirements/gateway.lock")
    ]
    assert len({before, *after}) == 4
