"""Commands of the services, run inside their own containers: `python -m services.<name> …`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from docker.models.containers import Container

from deploy.operating.installation import Done, Installation, OperationError

COMMAND_SECONDS: Final = 120.0


def process_for(installation: Installation, service: str, kinds: Sequence[str]) -> Container:
    """A running container of the service, of the first of these kinds that has one. OperationError."""
    for kind in kinds:
        for each in installation.containers(f"{service}-{kind}"):
            return each
    wanted = " nor ".join(f"{service}-{kind}" for kind in kinds)
    raise OperationError(f"neither {wanted} runs" if len(kinds) > 1 else f"{wanted} does not run")


def run_service(
    installation: Installation,
    service: str,
    *arguments: str,
    kinds: Sequence[str],
    timeout_seconds: float = COMMAND_SECONDS,
) -> Done:
    """Run a command of the service, whatever its status. OperationError if it cannot run or does not end."""
    container = process_for(installation, service, kinds)
    command = ("python", "-m", f"services.{service}", *arguments)
    return installation.run_in(container, *command, timeout_seconds=timeout_seconds)


def answer_of_service(
    installation: Installation,
    service: str,
    *arguments: str,
    kinds: Sequence[str],
    timeout_seconds: float = COMMAND_SECONDS,
) -> str:
    """What the command prints. OperationError with what it says if it fails."""
    done = run_service(installation, service, *arguments, kinds=kinds, timeout_seconds=timeout_seconds)
    if done.status:
        said = (done.errors or done.out).strip()
        raise OperationError(f"{service}: {said}" if said else f"{service} {' '.join(arguments)} failed")
    return done.out
