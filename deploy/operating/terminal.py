"""How commands answer: tables for people, one JSON document for programs, exit codes for scripts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Final

import typer
from docker.errors import DockerException
from requests.exceptions import RequestException
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from deploy.operating.installation import Installation, OperationError
from deploy.operating.locks import held

_PIPE_COLUMNS: Final = 240


class Exit(IntEnum):
    """What a script can tell from how a command ended."""

    WELL = 0
    FOUND = 1
    """It did its work, and found something wrong."""
    USAGE = 2
    """The command was not understood (Typer's own)."""
    FAILED = 3
    """It could not do its work."""


def _console() -> Console:
    console = Console()
    # Into a file or a pipe, lines are as long as they are: whoever reads them there looks for words.
    return console if console.is_terminal else Console(width=_PIPE_COLUMNS)


@dataclass(frozen=True, slots=True)
class Terminal:
    """Where a command's answer goes. What happens meanwhile goes to standard error, always."""

    as_json: bool
    out: Console = field(default_factory=_console)
    progress_to: Console = field(default_factory=lambda: Console(stderr=True))

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[object]], *, title: str = "") -> None:
        """A table for people; nothing with `--json`."""
        if self.as_json:
            return
        table = Table(*columns, title=title or None, title_justify="left", box=None, pad_edge=False)
        for row in rows:
            table.add_row(*(escape(str(cell)) for cell in row))
        self.out.print(table)
        self.out.print()

    def lines(self, rows: Sequence[tuple[str, str]]) -> None:
        """Names and values, which stay whole however narrow the terminal is; nothing with `--json`."""
        if not self.as_json:
            width = max(len(name) for name, _ in rows)
            for name, value in rows:
                self.out.print(f"{name:<{width}}  {value}", soft_wrap=True, highlight=False, markup=False)

    def plain(self, text: str) -> str:
        """Text from elsewhere, for `say`: nothing in it is taken for markup."""
        return escape(text)

    def say(self, sentence: str) -> None:
        """A sentence for people, in Rich's markup; nothing with `--json`."""
        if not self.as_json:
            self.out.print(sentence, highlight=False)

    def document(self, document: Mapping[str, Any] | Sequence[Any]) -> None:
        """The answer for programs; nothing without `--json`."""
        if self.as_json:
            self.out.print_json(json.dumps(document, default=str))

    @contextmanager
    def progress(self) -> Iterator[Progress]:
        """Bars on standard error for work that takes long."""
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, TimeElapsedColumn(), console=self.progress_to) as progress:
            yield progress


@dataclass(frozen=True, slots=True)
class Session:
    """What the options before the command's name say."""

    project: str
    terminal: Terminal

    def installation(self) -> Installation:
        """OperationError if it is not there."""
        return Installation.connect(self.project)

    @contextmanager
    def replacing(self) -> Iterator[Installation]:
        """It, for a command that replaces containers of it: no other one does meanwhile. OperationError if
        one does, or if it is not there.
        """
        installation = self.installation()
        refusal = f"another command that replaces containers of {self.project} has not ended"
        with held(installation.directory / f".{self.project}.lock", refusal):
            yield installation


def session_of(context: typer.Context) -> Session:
    """Of the command that is running."""
    session = context.find_object(Session)
    assert session is not None  # noqa: S101 - the callback of `python -m deploy` makes it
    return session


@contextmanager
def failing() -> Iterator[None]:
    """An OperationError, or that Docker Engine is lost, becomes its message on standard error and the exit
    code FAILED.
    """
    try:
        yield
    except OperationError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(Exit.FAILED) from None
    except (DockerException, RequestException) as error:
        typer.echo(f"Docker Engine does not answer: {error}", err=True)
        raise typer.Exit(Exit.FAILED) from None
