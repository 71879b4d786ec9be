"""An installation in containers, as Docker Engine shows it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import docker
from docker import DockerClient
from docker.errors import APIError, DockerException
from docker.models.containers import Container
from requests.exceptions import RequestException

_PROJECT: Final = "com.docker.compose.project"
_SERVICE: Final = "com.docker.compose.service"
_ONE_OFF: Final = "com.docker.compose.oneoff"
_FILES: Final = "com.docker.compose.project.config_files"
_DIRECTORY: Final = "com.docker.compose.project.working_dir"
_TIMEOUT_SECONDS: Final = 60
_KILLED: Final = frozenset({124, 137})
"""How `timeout` says that it ended a command, or had to kill it."""


class OperationError(Exception):
    """What was asked for cannot be done; the message is for the person at the terminal."""


@dataclass(frozen=True, slots=True)
class Done:
    """How a command inside a container ended."""

    status: int
    out: str
    errors: str


class Installation:
    """The containers of one compose project."""

    def __init__(self, client: DockerClient, project: str) -> None:
        self.client = client
        self.project = project

    @classmethod
    def connect(cls, project: str) -> Installation:
        """OperationError if no Docker Engine answers, or if it has no container of the project."""
        try:
            client = docker.from_env(timeout=_TIMEOUT_SECONDS)
            installation = cls(client, project)
            if not installation.containers(all_states=True):
                raise OperationError(f"there is no container of the project {project!r}")
        except (DockerException, RequestException) as error:
            raise OperationError(f"Docker Engine does not answer: {error}") from error
        return installation

    def containers(self, *services: str, all_states: bool = False) -> list[Container]:
        """Those of these compose services, or all; without one-off ones (`compose run`); by service and
        number.
        """
        found: list[Container] = self.client.containers.list(
            all=all_states,
            filters={"label": [f"{_PROJECT}={self.project}", f"{_ONE_OFF}=False"]},
            ignore_removed=True,  # between being listed and being looked at
        )
        wanted = [each for each in found if not services or service_of(each) in services]
        return sorted(wanted, key=lambda each: (service_of(each), each.name or ""))

    def container(self, service: str) -> Container:
        """A running container of the service. OperationError if there is none."""
        for each in self.containers(service):
            return each
        raise OperationError(f"{service} does not run")

    def run_in(
        self,
        container: Container,
        *command: str,
        user: str = "",
        environment: Mapping[str, str] | None = None,
        timeout_seconds: float | None = None,
    ) -> Done:
        """Run a command inside a container until it ends. OperationError if it cannot be run.

        After `timeout_seconds` it is killed, and that is an OperationError too.
        """
        api = self.client.api
        bounded = [] if timeout_seconds is None else ["timeout", "--kill-after=2", str(timeout_seconds)]
        try:
            run = api.exec_create(
                container.id, [*bounded, *command], user=user, environment=dict(environment or {})
            )
            out, errors = api.exec_start(run["Id"], demux=True)
            status = api.exec_inspect(run["Id"])["ExitCode"]
        except APIError as error:
            raise OperationError(f"{container.name}: {error.explanation or error}") from error
        except (DockerException, RequestException) as error:
            raise OperationError(f"{container.name}: Docker Engine does not answer: {error}") from error
        if bounded and status in _KILLED:
            raise OperationError(f"{container.name}: {' '.join(command)} did not end in {timeout_seconds} s")
        return Done(status, _text(out), _text(errors))

    def output_of(
        self, container: Container, *command: str, user: str = "", timeout_seconds: float | None = None
    ) -> str:
        """What the command prints. OperationError with what it says if it fails."""
        done = self.run_in(container, *command, user=user, timeout_seconds=timeout_seconds)
        if done.status:
            said = (done.errors or done.out).strip()
            raise OperationError(f"{container.name}: {' '.join(command)}: {said}")
        return done.out

    def stream(self, container: Container, *command: str, user: str = "") -> Iterator[bytes]:
        """What the command prints, as it comes. OperationError at the end if it failed."""
        api = self.client.api
        run = api.exec_create(container.id, list(command), user=user)["Id"]
        errors: list[bytes] = []
        for out, err in api.exec_start(run, stream=True, demux=True):
            if err is not None:
                errors.append(err)
            if out is not None:
                yield out
        if api.exec_inspect(run)["ExitCode"]:
            raise OperationError(f"{container.name}: {' '.join(command)}: {_text(b''.join(errors))}".strip())

    @cached_property
    def files(self) -> list[str]:
        """The compose files with which it was brought up last."""
        newest = max(self.containers(all_states=True), key=lambda each: str(each.attrs["Created"]))
        return [file for file in newest.labels.get(_FILES, "").split(",") if file]

    @cached_property
    def directory(self) -> Path:
        """The directory to which paths in the compose files relate."""
        return Path(self.containers(all_states=True)[0].labels[_DIRECTORY])

    def compose(
        self,
        *arguments: str,
        timeout_seconds: float = 600,
        environment: Mapping[str, str] | None = None,
        files: Sequence[str] | None = None,
    ) -> str:
        """Run `docker compose` on it with its own files (or `files`); what it prints.

        The caller's environment (AMBITO_SECRETS, HTTP_BIND, …) must be that with which it was brought up;
        `environment` has the last word. OperationError if it fails.
        """
        named = [part for file in (files or self.files) for part in ("--file", file)]
        command = ["docker", "compose", "--project-name", self.project, *named, *arguments]
        try:
            run = subprocess.run(
                command, env=os.environ | dict(environment or {}), stdin=subprocess.DEVNULL,
                capture_output=True, text=True, timeout=timeout_seconds, check=False,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            raise OperationError(f"docker compose {' '.join(arguments)}: {error}") from error
        if run.returncode:
            raise OperationError(f"docker compose {' '.join(arguments)}: {run.stderr[-2000:]}")
        return run.stdout


def service_of(container: Container) -> str:
    """The name that a container's service has in the compose file."""
    return str(container.labels[_SERVICE])


def compose_labels(project: str, service: str) -> dict[str, str]:
    """Of a container that belongs to the project as one of `docker compose run` does."""
    return {_PROJECT: project, _SERVICE: service, _ONE_OFF: "True"}


def setting_of(container: Container, name: str) -> str | None:
    """What its environment says, as it was made with; None if it does not."""
    for each in container.attrs["Config"]["Env"] or ():
        key, _, value = each.partition("=")
        if key == name:
            return str(value)
    return None


def documents(text: str) -> list[dict[str, Any]]:
    """The lines of JSON objects that a command printed as its answer, without those of its log."""
    parsed = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    return [line for line in parsed if not {"level", "event"} <= line.keys()]


def health_of(container: Container) -> str:
    """`healthy`, `unhealthy`, `starting`; without a health check, Docker's state: `running`, `exited`, …"""
    state = container.attrs["State"]
    return str(state.get("Health", {}).get("Status") or state["Status"])


def _text(data: bytes | None) -> str:
    return (data or b"").decode(errors="replace")
