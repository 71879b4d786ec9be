"""Having what has changed read again: the territory's folder by the services, a secret by its containers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Final

from docker.errors import DockerException
from requests.exceptions import RequestException

from deploy.operating.installation import Installation, OperationError

LOADING: Final = ("identity", "catalogue", "vouchers")
_SECONDS: Final = 300
_STOP_SECONDS: Final = 30


def load(installation: Installation, *services: str) -> None:
    """Load into these services at once. May be repeated at any time. OperationError with what went wrong."""
    with ThreadPoolExecutor(max_workers=len(services)) as pool:
        for future in [pool.submit(_load, installation, service) for service in services]:
            future.result()


def _load(installation: Installation, service: str) -> None:
    name = f"{service}-prepare"
    found = installation.containers(name, all_states=True)
    if not found:
        raise OperationError(
            f"the container of {name!r} is gone (pruned?); make it again: docker compose … up --detach {name}"
        )
    container = found[0]
    try:
        container.start()
        status = container.wait(timeout=_SECONDS)["StatusCode"]
        if status:
            said = container.logs(tail=20).decode(errors="replace").strip()
            raise OperationError(f"{name} ended with status {status}:\n{said}")
    except (DockerException, RequestException) as error:
        raise OperationError(f"{name}: {error}") from error


def restart_readers(installation: Installation, secret: str) -> list[str]:
    """Start the containers again that have this secret's file, which was replaced; their names.

    A file is mounted as it was when the container began. OperationError.
    """
    readers = [
        each
        for each in installation.containers()
        if any(mount["Source"].rpartition("/")[2] == secret for mount in each.attrs["Mounts"])
    ]
    try:
        for each in readers:
            each.restart(timeout=_STOP_SECONDS)
    except (DockerException, RequestException) as error:
        raise OperationError(f"restarting who reads {secret}: {error}") from error
    return [str(each.name) for each in readers]
