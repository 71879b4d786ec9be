"""Commands of the image `operations`, each in a container of its own beside an installation's servers.

Made like the installation's own container `servers`: the same image, folders and network, whatever the
environment of the person at the terminal says, and so with access to secrets that this person need not have.
What they print goes to no log of Docker Engine: it may be secret.
"""

from __future__ import annotations

import threading
from typing import Final

from docker.errors import DockerException
from docker.models.containers import Container
from docker.types import LogConfig, Mount
from requests.exceptions import RequestException

from deploy.operating.installation import Done, Installation, OperationError, compose_labels

PREPARING: Final = "servers"
"""The compose service that knows where everything is."""
_SECRETS: Final = "/secrets"
_PATIENCE_SECONDS: Final = 120.0


def answer_of_tool(
    installation: Installation,
    *command: str,
    writing: bool = False,
    timeout_seconds: float = _PATIENCE_SECONDS,
) -> str:
    """What the command prints. OperationError with what it says if it fails.

    `writing`: it may change the secrets.
    """
    done = run_tool(installation, *command, writing=writing, timeout_seconds=timeout_seconds)
    if done.status:
        raise OperationError((done.errors or done.out).strip() or f"{' '.join(command)} failed")
    return done.out


def run_tool(
    installation: Installation,
    *command: str,
    writing: bool = False,
    timeout_seconds: float = _PATIENCE_SECONDS,
) -> Done:
    """Run the command to its end, or for so long. OperationError if it cannot be run or does not end."""
    pattern = _pattern(installation)
    try:
        tool = _make(installation, pattern, list(command), writing=writing)
        try:
            return _run(tool, command, timeout_seconds)
        finally:
            tool.remove(force=True)
    except (DockerException, RequestException) as error:
        raise OperationError(f"no container for {' '.join(command)}: {error}") from error


def _pattern(installation: Installation) -> Container:
    for each in installation.containers(PREPARING, all_states=True):
        return each
    raise OperationError(
        f"the container of {PREPARING!r} is gone (pruned?), and with it where the secrets are; make it again:"
        f" docker compose … up --detach {PREPARING}"
    )


def _make(installation: Installation, pattern: Container, command: list[str], *, writing: bool) -> Container:
    mounts = [
        Mount(
            target=each["Destination"],
            source=each.get("Name") or each["Source"],
            type=each["Type"],
            read_only=not (writing and each["Destination"] == _SECRETS),
        )
        for each in pattern.attrs["Mounts"]
    ]
    made: Container = installation.client.containers.create(
        pattern.attrs["Image"],
        command,
        user="0:0",
        mounts=mounts,
        network=next(iter(pattern.attrs["NetworkSettings"]["Networks"])),
        labels=compose_labels(installation.project, PREPARING),
        read_only=True,
        tmpfs={"/tmp": ""},  # noqa: S108 - a place in the container
        cap_drop=["ALL"],
        cap_add=["DAC_OVERRIDE", "FOWNER"] if writing else ["DAC_READ_SEARCH"],
        security_opt=["no-new-privileges:true"],
        mem_limit="256m",
        pids_limit=128,
        log_config=LogConfig(type="none"),
    )
    return made


def _run(tool: Container, command: tuple[str, ...], timeout_seconds: float) -> Done:
    parts = tool.attach(stdout=True, stderr=True, stream=True, demux=True)
    tool.start()
    late = threading.Event()

    def end() -> None:
        late.set()
        tool.kill()

    deadline = threading.Timer(timeout_seconds, end)
    deadline.daemon = True
    deadline.start()
    out, errors = bytearray(), bytearray()
    try:
        for printed, complained in parts:
            out += printed or b""
            errors += complained or b""
        status = int(tool.wait(timeout=10)["StatusCode"])
    finally:
        deadline.cancel()
    if late.is_set():
        raise OperationError(f"{' '.join(command)} did not end in {timeout_seconds:.0f} s")
    return Done(status, out.decode(errors="replace"), errors.decode(errors="replace"))
