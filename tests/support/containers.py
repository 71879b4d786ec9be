"""What a container prints, as text. A command that fails raises AssertionError with what it said."""

from collections.abc import Sequence
from typing import cast

from docker.models.containers import Container


def service_of(container: Container) -> str:
    """The name that a container's service has in compose.yaml."""
    return str(container.labels["com.docker.compose.service"])


def addresses(container: Container) -> list[str]:
    """All its IPv4 addresses."""
    return [each["IPAddress"] for each in container.attrs["NetworkSettings"]["Networks"].values()]


def output(container: Container, command: Sequence[str], user: str = "") -> str:
    """The standard output of a command that is run in it; by the container's own user unless said."""
    status, printed = container.exec_run(list(command), user=user, demux=True)
    out, errors = (
        (part or b"").decode(errors="replace") for part in cast("tuple[bytes | None, ...]", printed)
    )
    assert status == 0, f"{container.name}: {' '.join(command)[:200]}: {out[-2000:]}{errors[-2000:]}"
    return out


def psql(server: Container, database: str, statement: str) -> str:
    """What PostgreSQL's superuser is answered, a line for each row."""
    options = ("-U", "ambito_admin", "-d", database, "-v", "ON_ERROR_STOP=1", "-qAtc", statement)
    return output(server, ["psql", *options])


def rabbitmqctl(node: Container, *arguments: str) -> str:
    """What the broker's own command prints."""
    return output(node, ["rabbitmqctl", "--quiet", *arguments], user="rabbitmq")


def logged(container: Container, last: int | None = None, *, with_times: bool = False) -> list[str]:
    """The last so many lines of its log, or all; each with its time before it, if so asked."""
    lines = container.logs(tail="all" if last is None else last, timestamps=with_times)
    return lines.decode(errors="replace").splitlines()
