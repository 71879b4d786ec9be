"""An installation of a test's own, among all that comes and goes on the engine."""

from __future__ import annotations

from pathlib import Path

import pytest
from docker import DockerClient

from tests.support.stack import Stack


def test_what_a_former_overlay_brought_is_deleted_with_the_rest(
    docker_engine: DockerClient, tmp_path: Path
) -> None:
    stack = Stack(docker_engine, tmp_path / "stack", name="-left")
    brought = f"{stack.project}_of-an-overlay"
    labels = {"com.docker.compose.project": stack.project}
    docker_engine.networks.create(brought, labels=labels)
    docker_engine.volumes.create(brought, labels=labels)
    stack.down()
    assert docker_engine.networks.list(names=[brought]) == []
    assert docker_engine.volumes.list(filters={"name": brought}) == []


def test_a_container_that_goes_while_all_are_looked_at_is_left_out(
    docker_engine: DockerClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = Stack(docker_engine, tmp_path / "stack", name="-gone")
    monkeypatch.setattr(docker_engine.api, "containers", lambda **_: [{"Id": "0" * 64}])
    assert stack.containers() == []
