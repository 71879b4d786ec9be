"""Advisories in the form of OSV, read from disk, so that they can be asked without a network.

Where they come from: `all.zip` of the ecosystems PyPI, npm and Debian from osv.dev, or a clone of
github.com/pypa/advisory-database.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile, ZipFile

import yaml
from debian.debian_support import NativeVersion
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version
from semver import Version as SemanticVersion

from deploy.operating.installation import OperationError

Order = Callable[[str], Any]
"""From a version's text to something that compares as the ecosystem has it."""


def _semantic(text: str) -> SemanticVersion:
    # Packages of npm always have three numbers; who writes an advisory may leave zeros out.
    return SemanticVersion.parse(text, optional_minor_and_patch=True)


_ECOSYSTEMS: Final[Mapping[str, Order]] = {"PyPI": Version, "npm": _semantic, "Debian": NativeVersion}
_FROM_THE_FIRST: Final = ("introduced", "0")
"""Before every version there is: as a version, 0 would come after what was released before it, 0.0.0-beta."""


@dataclass(frozen=True, slots=True)
class Advisory:
    """What is known against some versions of one package. `release`: of Debian, e.g. "13"; else empty."""

    id: str
    aliases: frozenset[str]
    summary: str
    ecosystem: str
    release: str
    name: str
    versions: frozenset[str]
    ranges: tuple[tuple[Mapping[str, str], ...], ...]

    def affects(self, version: str) -> bool:
        """Whether this version is named, or lies in a range: after its introduction, before its fix."""
        return version in self.versions or any(self._within(version, events) for events in self.ranges)

    def fixed_in(self) -> list[str]:
        """The versions that are the first ones without it."""
        return [event["fixed"] for events in self.ranges for event in events if "fixed" in event]

    def _within(self, version: str, events: Iterable[Mapping[str, str]]) -> bool:
        at = _ECOSYSTEMS[self.ecosystem]
        try:
            here = at(version)
            ordered = sorted(
                (at(text), kind)
                for event in events
                for kind, text in event.items()
                if (kind, text) != _FROM_THE_FIRST
            )
        except InvalidVersion:
            return False  # older than PEP 440; such versions are named one by one
        affected = any(_FROM_THE_FIRST in event.items() for event in events)
        for there, kind in ordered:
            if kind == "introduced" and here >= there:
                affected = True
            elif (kind == "fixed" and here >= there) or (kind == "last_affected" and here > there):
                affected = False
        return affected


class Advisories:
    """All that were read, by package."""

    def __init__(self, advisories: Iterable[Advisory]) -> None:
        self._of: dict[tuple[str, str], list[Advisory]] = defaultdict(list)
        self.count = 0
        for each in advisories:
            self._of[each.ecosystem, each.name].append(each)
            self.count += 1

    @classmethod
    def read(cls, paths: Iterable[Path]) -> Advisories:
        """From directories and zip files. OperationError if one cannot be read, or holds no advisory."""
        found = cls(advisory for path in paths for advisory in _advisories(path))
        if not found.count:
            raise OperationError("there is no advisory in what was given")
        return found

    def against(self, ecosystem: str, release: str, name: str, version: str) -> list[Advisory]:
        """Those that affect this version; each once, under whatever id it came first."""
        known: set[str] = set()
        against = []
        for each in self._of.get((ecosystem, _canonical(ecosystem, name)), ()):
            names = {each.id, *each.aliases}
            if each.release in {"", release} and not names & known and each.affects(version):
                against.append(each)
                known |= names
        return against


def _canonical(ecosystem: str, name: str) -> str:
    return canonicalize_name(name) if ecosystem == "PyPI" else name


def _advisories(path: Path) -> Iterator[Advisory]:
    for name, text in _files(path):
        try:
            document = json.loads(text) if name.endswith(".json") else yaml.load(text, yaml.CSafeLoader)
            yield from _parsed(document)
        except (ValueError, KeyError, TypeError, AttributeError, yaml.YAMLError) as error:
            raise OperationError(f"{path}: {name} is no advisory: {type(error).__name__}: {error}") from error


def _files(path: Path) -> Iterator[tuple[str, str]]:
    try:
        if path.is_dir():
            for file in sorted(path.rglob("*")):
                if file.suffix in {".json", ".yaml"} and ".git" not in str(file.parent):
                    yield str(file), file.read_text()
            return
        with ZipFile(path) as archive:
            for name in archive.namelist():
                if name.endswith(".json"):
                    yield name, archive.read(name).decode()
    except (OSError, BadZipFile) as error:
        raise OperationError(f"{path}: {error}") from error


def _parsed(document: Mapping[str, Any]) -> Iterator[Advisory]:
    if document.get("withdrawn"):
        return
    for affected in document.get("affected", ()):
        ecosystem, _, release = affected.get("package", {}).get("ecosystem", "").partition(":")
        if ecosystem not in _ECOSYSTEMS:
            continue
        yield Advisory(
            id=document["id"],
            aliases=frozenset(document.get("aliases", ())),
            summary=str(document.get("summary") or document.get("details") or "").strip().partition("\n")[0],
            ecosystem=ecosystem,
            release=release,
            name=_canonical(ecosystem, affected["package"]["name"]),
            versions=frozenset(map(str, affected.get("versions", ()))),
            ranges=tuple(
                tuple({kind: str(text) for kind, text in event.items()} for event in each["events"])
                for each in affected.get("ranges", ())
                if each["type"] in {"ECOSYSTEM", "SEMVER"}
            ),
        )
