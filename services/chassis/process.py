"""How a process begins, and how it ends when it cannot go on."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn, TypeVar

import pydantic
from pydantic_settings import BaseSettings

from services.chassis.definition import ServiceDefinition, load
from services.chassis.errors import CannotRunError
from services.chassis.logs import configure
from services.chassis.settings import ServiceSettings

Settings = TypeVar("Settings", bound=BaseSettings)


def start(definition: ServiceDefinition, process: str) -> ServiceSettings:
    """Read the settings and set the log up; exit with what is wrong with the environment."""
    kind: type[ServiceSettings] = load(definition.settings)
    settings = read_settings(kind, definition.name, process)
    configure(definition.name, process, settings.log_level)
    return settings


def read_settings(kind: type[Settings], service: str, process: str) -> Settings:
    """The settings from the environment; exit with what is wrong with it."""
    try:
        return kind()
    except pydantic.ValidationError as error:
        # Never the values: they are secrets.
        wrong = (f"{str(part['loc'][0]).upper()}: {part['msg']}" for part in error.errors() if part["loc"])
        fail(f"{service} {process}: the environment is not complete\n  " + "\n  ".join(wrong))


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
