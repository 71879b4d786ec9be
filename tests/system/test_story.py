"""`make demo`, again and again and by several at once."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from deploy.local.layout import ROOT
from tests.system.world import World

_AT_ONCE = 2
_TIMEOUT_SECONDS = 150


def tell(world: World) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "AMBITO_VAR": str(world.instance.layout.var)}
    return subprocess.run(
        [sys.executable, "-m", "deploy.demo"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_SECONDS,
        check=False,
    )


def test_the_story_can_be_told_by_several_at_once_and_again(world: World) -> None:
    with ThreadPoolExecutor(_AT_ONCE) as tellers:
        told = list(tellers.map(lambda _: tell(world), range(_AT_ONCE)))
    told.append(tell(world))
    for telling in told:
        assert telling.returncode == 0, telling.stdout + telling.stderr
        assert "All 16 steps as expected" in telling.stdout


def test_the_story_needs_a_system_that_runs(world: World) -> None:
    environment = {**os.environ, "AMBITO_VAR": str(world.instance.layout.var / "nothing")}
    telling = subprocess.run(
        [sys.executable, "-m", "deploy.demo"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_SECONDS,
        check=False,
    )
    assert telling.returncode == 1
    assert "make up" in telling.stderr


def test_no_log_holds_anything_personal(world: World) -> None:
    citizen = world.citizen()
    person = citizen.session.get("/people/me").json()
    secrets_of_hers = {
        person["details"]["codice_fiscale"],
        person["details"]["email"],
        citizen.password,
        citizen.session.token,
    }
    for log in world.instance.layout.logs.iterdir():
        text = log.read_text(errors="replace")
        assert not [secret for secret in secrets_of_hers if secret in text], log
