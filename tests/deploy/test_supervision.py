"""supervisord as `make up` uses it, with small programs instead of ours."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.local import leftovers
from deploy.local.ports import free_port
from deploy.local.programs import Program, base_environment
from deploy.local.supervision import Supervisor
from tests.support.polling import eventually

WAIT = 'import signal; print("one 100% line", flush=True); signal.pause()'


def sleeper(name: str, var: Path, **environment: str) -> Program:
    marked = base_environment() | {leftovers.MARK: str(var)} | environment
    return Program(name=name, command=(sys.executable, "-c", WAIT), directory=Path("/"), environment=marked)


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    made = Supervisor(tmp_path / "supervisor", tmp_path / "logs", free_port(), "not-a-secret")
    yield made
    if made.pid() is not None:
        made.shut_down()
    leftovers.end(tmp_path)


def apply(supervisor: Supervisor, var: Path, *programs: Program) -> None:
    supervisor.apply(programs, base_environment() | {leftovers.MARK: str(var)})


def running(supervisor: Supervisor, name: str) -> int | None:
    state = supervisor.state(name)
    return state.pid if state.state == "RUNNING" else None


def test_what_dies_is_started_again(supervisor: Supervisor, tmp_path: Path) -> None:
    apply(supervisor, tmp_path, sleeper("one", tmp_path))
    supervisor.start(["one"])
    first = eventually(lambda: running(supervisor, "one"))
    supervisor.signal("one", signal.SIGKILL)
    second = eventually(lambda: pid if (pid := running(supervisor, "one")) != first else None)
    assert second != first
    assert supervisor.log("one").read_text().splitlines() == ["one 100% line"] * 2


def test_applying_again_replaces_only_what_has_changed(supervisor: Supervisor, tmp_path: Path) -> None:
    kept, changed, dropped = (sleeper(name, tmp_path) for name in ("kept", "changed", "dropped"))
    apply(supervisor, tmp_path, kept, changed, dropped)
    supervisor.start(["kept", "changed", "dropped"])
    before = {name: eventually(running, supervisor, name) for name in ("kept", "changed", "dropped")}
    odd = {"TEXT": "it's 100% \\ a value, with a comma"}
    apply(supervisor, tmp_path, kept, replace(changed, environment={**changed.environment, **odd}))
    supervisor.start(["kept", "changed"])
    after = eventually(lambda: running(supervisor, "changed"))
    assert running(supervisor, "kept") == before["kept"]
    assert after != before["changed"]
    assert [state.name for state in supervisor.states()] == ["changed", "kept"]
    environment = Path(f"/proc/{after}/environ").read_bytes().split(b"\0")
    assert f"TEXT={odd['TEXT']}".encode() in environment


def test_shutting_down_ends_everything(supervisor: Supervisor, tmp_path: Path) -> None:
    apply(supervisor, tmp_path, sleeper("one", tmp_path))
    supervisor.start(["one"])
    pid = eventually(lambda: running(supervisor, "one"))
    assert pid in leftovers.find(tmp_path)
    supervisor.shut_down()
    eventually(lambda: not leftovers.find(tmp_path))
    assert not Path(f"/proc/{pid}").exists()


def test_what_a_killed_supervisor_leaves_is_found_and_ended(supervisor: Supervisor, tmp_path: Path) -> None:
    apply(supervisor, tmp_path, sleeper("one", tmp_path))
    supervisor.start(["one"])
    pid = eventually(lambda: running(supervisor, "one"))
    own = supervisor.pid()
    assert own is not None
    os.kill(own, signal.SIGKILL)
    eventually(lambda: supervisor.pid() is None)
    assert set(leftovers.find(tmp_path)) == {pid}
    assert len(leftovers.end(tmp_path)) == 1
    assert leftovers.find(tmp_path) == {}


def test_somebodys_shell_in_a_directory_of_the_installation_is_left_alone(tmp_path: Path) -> None:
    with subprocess.Popen(["/bin/sleep", "600"], cwd=tmp_path) as shell:
        try:
            assert leftovers.end(tmp_path) == []
            assert shell.poll() is None
        finally:
            shell.kill()
