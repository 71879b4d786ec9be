"""How a process begins, and how it ends when it cannot go on."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import pydantic

from services.chassis.definition import ServiceDefinition, load
from services.chassis.errors import CannotRunError
from services.chassis.logs import configure
from services.chassis.settings import ServiceSettings


def start(definition: ServiceDefinition, process: str) -> ServiceSettings:
    """Read the settings and set the log up; exit with what is wrong with the environment."""
    try:
        settings: ServiceSettings = load(definition.settings)()
    except pydantic.ValidationError as error:
        # Never the values: they are secrets.
        wrong = (f"{str(part['loc'][0]).upper()}: {part['msg']}" for part in error.errors() if part["loc"])
        fail(f"{definition.name} {process}: the environment is not complete\n  " + "\n  ".join(wrong))
    configure(definition.name, process, settings.log_level)
    return settings


def fail(message: str) -> NoReturn:
    """Say why on standard error, and exit with 1."""
    sys.stderr.write(f"{message}\n")
    raise SystemExit(1)


@contextmanager
def failing() -> Iterator[None]:
    """Exit with the message of a `CannotRunError`, and without a traceback."""
    try:
        yield
    except CannotRunError as error:
        fail(str(error))
