"""Loading the territory's folder into the services again, with the containers that did it at first."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Final

from docker.errors import DockerException
from requests.exceptions import RequestException

from deploy.operating.installation import Installation, OperationError

LOADING: Final = ("identity", "catalogue", "vouchers")
_SECONDS: Final = 300


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
