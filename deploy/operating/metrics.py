"""The metrics of a process, asked for inside its container: nobody else reaches that port."""

from __future__ import annotations

from typing import Final

from docker.models.containers import Container
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from deploy.operating.installation import Installation, OperationError

_ASK: Final = r"exec 3<>/dev/tcp/127.0.0.1/9100 && printf 'GET /metrics HTTP/1.0\r\n\r\n' >&3 && cat <&3"
_TIMEOUT_SECONDS: Final = 10.0


def metrics_of(installation: Installation, container: Container) -> list[Sample]:
    """Every sample. OperationError if the process does not answer in 10 s."""
    answer = installation.output_of(container, "bash", "-c", _ASK, timeout_seconds=_TIMEOUT_SECONDS)
    head, _, body = answer.replace("\r\n", "\n").partition("\n\n")
    if " 200 " not in head.partition("\n")[0]:
        raise OperationError(f"{container.name}: no metrics: {head.partition(chr(10))[0]}")
    return [sample for family in text_string_to_metric_families(body) for sample in family.samples]
