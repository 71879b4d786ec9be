"""What a process tells on its operations port, asked for inside its container: nobody else reaches that port.

Nothing is started there but a shell. A command of the service would load all of it first, which costs seconds
where the machine is busy, and that is when one looks.
"""

from __future__ import annotations

import json
from typing import Any, Final

from docker.models.containers import Container
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from deploy.operating.installation import Installation, OperationError

_ASK: Final = r"exec 3<>/dev/tcp/127.0.0.1/9100 && printf 'GET %s HTTP/1.0\r\n\r\n' $0 >&3 && cat <&3"
_TIMEOUT_SECONDS: Final = 20.0


def metrics_of(installation: Installation, container: Container) -> list[Sample]:
    """Every sample. OperationError if the process does not answer in 20 s."""
    status, body = _ask(installation, container, "/metrics")
    if status != "200":
        raise OperationError(f"{container.name}: no metrics: {status}")
    return [sample for family in text_string_to_metric_families(body) for sample in family.samples]


def status_of(installation: Installation, container: Container) -> dict[str, Any]:
    """How the process finds its service's database. OperationError if it does not answer in 20 s or cannot
    tell.
    """
    status, body = _ask(installation, container, "/status")
    if status == "404":
        raise OperationError(f"{container.name}: a version that does not tell")
    try:
        told: dict[str, Any] = json.loads(body)
    except ValueError:
        raise OperationError(f"{container.name}: no status: {status}") from None
    if status != "200":
        raise OperationError(f"{container.name}: {told.get('error', status)}")
    return told


def _ask(installation: Installation, container: Container, path: str) -> tuple[str, str]:
    """The answer's status, and its body. OperationError if there is none."""
    done = installation.run_in(container, "bash", "-c", _ASK, path, timeout_seconds=_TIMEOUT_SECONDS)
    if not done.out:  # nobody listens, or so many ask already that this one is turned away
        said = f": {done.errors.strip()}" if done.errors else ""
        raise OperationError(f"{container.name}: no answer on its operations port{said}")
    head, _, body = done.out.replace("\r\n", "\n").partition("\n\n")
    return " ".join(head.partition("\n")[0].split()[1:2]), body
