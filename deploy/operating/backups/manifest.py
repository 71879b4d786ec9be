"""What a backup says of itself: of when it is, what it holds, and which keys read it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from deploy.operating.installation import OperationError

FORMAT: Final = 1
"""Counted up when older tools could no longer restore what newer ones write."""
NAME: Final = "manifest.json"
_BLOCK_BYTES: Final = 1_048_576

Advance = Callable[[int], None]
"""Is told how many bytes have been read so far."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Digest(_Part):
    """A file's length and what it must hash to."""

    bytes: int
    sha256: str


class Table(_Part):
    """How many rows a table has, and the sum of their hashes: the same for the same rows in any order."""

    rows: int
    digest: str


class Database(_Part):
    """All that one service keeps."""

    migration: str
    tables: dict[str, Table]


class Postgres(_Part):
    """The server that the databases come from."""

    version: str
    major: int


class Image(_Part):
    """What a process ran."""

    name: str
    id: str


class Manifest(_Part):
    """`begun_at` names the backup. Everything acknowledged before `begun_at` is in it, nothing from after
    `data_until`, and between them whatever was committed up to one instant, the same for all databases.
    """

    format: Literal[1] = FORMAT
    project: str
    begun_at: datetime
    data_until: datetime
    postgres: Postgres
    images: dict[str, Image]
    databases: dict[str, Database]
    queues: dict[str, int]
    """Messages that waited on the broker, by queue; they are not in the backup."""
    keys: dict[str, dict[str, str]]
    """Fingerprints by file and, in it, by the key's id. The keys themselves are not in the backup."""
    files: dict[str, Digest]

    @classmethod
    def read(cls, directory: Path) -> Manifest:
        """OperationError if there is none, or not one that this tool understands."""
        try:
            text = (directory / NAME).read_text()
        except OSError as error:
            raise OperationError(f"{directory} is not a backup: {error}") from error
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            if where == "format":
                raise OperationError(
                    f"{directory} has format {first['input']!r}, this tool knows {FORMAT}: use the newer one"
                ) from error
            raise OperationError(f"{directory / NAME} is damaged: {where}: {first['msg']}") from error

    @property
    def bytes(self) -> int:
        """Of all files."""
        return sum(each.bytes for each in self.files.values())

    def check(self, directory: Path, advance: Advance = lambda _: None) -> None:
        """OperationError that names every file that is missing or not what was written."""
        wrong = []
        done = 0
        for name, expected in self.files.items():
            try:
                found = digest(directory / name, advance, done)
            except OSError as error:
                wrong.append(f"{name}: {error.strerror}")
                continue
            done += found.bytes
            if found.bytes != expected.bytes:
                wrong.append(f"{name}: {found.bytes} bytes instead of {expected.bytes}")
            elif found.sha256 != expected.sha256:
                wrong.append(f"{name}: its content is not what was written (sha256)")
        if wrong:
            raise OperationError(f"{directory} is damaged: {'; '.join(wrong)}")


def digest(path: Path, advance: Advance = lambda _: None, before: int = 0) -> Digest:
    """Of a file of any size; `before` is how much of others had been read."""
    hashed = hashlib.sha256()
    length = 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            hashed.update(block)
            length += len(block)
            advance(before + length)
    return Digest(bytes=length, sha256=hashed.hexdigest())


def different_databases(expected: Mapping[str, Database], found: Mapping[str, Database]) -> list[str]:
    """One sentence for each table that is not row for row the same."""
    differences = []
    for service in sorted(expected.keys() | found.keys()):
        before, after = expected.get(service), found.get(service)
        if before is None or after is None:
            differences.append(f"{service}: its database is {'missing' if after is None else 'unexpected'}")
            continue
        for table in sorted(before.tables.keys() | after.tables.keys()):
            was, now = before.tables.get(table), after.tables.get(table)
            if was != now:
                rows = [0 if each is None else each.rows for each in (was, now)]
                differences.append(f"{service}.{table}: {rows[0]} rows backed up, {rows[1]} found, or others")
    return differences


def different_keys(
    needed: Mapping[str, Mapping[str, str]], there: Mapping[str, Mapping[str, str]]
) -> list[str]:
    """One sentence for each key that reads the backup's data and that an installation does not have.

    Keys that it has besides, because they were rotated since, do not matter.
    """
    return [
        f"{file}: key {key} is {'another one' if key in there.get(file, {}) else 'missing'}"
        for file, keys in sorted(needed.items())
        for key, fingerprint in keys.items()
        if there.get(file, {}).get(key) != fingerprint
    ]
