"""Reads and validates a territory's folder: each file by itself, then what they say about each other."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from services.contracts.territory.accounts import ApiClient, StaffAccount
from services.contracts.territory.ambito import Ambito
from services.contracts.territory.catalogue import Category, Offering, Service
from services.contracts.territory.checks import check_references
from services.contracts.territory.errors import TerritoryError, TerritoryErrors
from services.contracts.territory.funding import Budget, Fund, IseeTable, Measure
from services.contracts.territory.places import Closure, Comune, SocialPoint
from services.contracts.territory.providers import Provider
from services.contracts.territory.territory import Territory
from services.contracts.territory.yaml_source import Location, YamlFile, parse_yaml

#: File → its top-level keys, each with the type of its value.
FILES: Final[Mapping[str, Mapping[str, Any]]] = {
    "ambito.yaml": {"ambito": Ambito},
    "comuni.yaml": {"comuni": tuple[Comune, ...]},
    "social_points.yaml": {"social_points": tuple[SocialPoint, ...]},
    "closures.yaml": {"closures": tuple[Closure, ...]},
    "categories.yaml": {"categories": tuple[Category, ...]},
    "measures.yaml": {"measures": tuple[Measure, ...]},
    "budgets.yaml": {"funds": tuple[Fund, ...], "budgets": tuple[Budget, ...]},
    "isee_bands.yaml": {"isee_tables": tuple[IseeTable, ...]},
    "providers.yaml": {"providers": tuple[Provider, ...]},
    "services.yaml": {"services": tuple[Service, ...]},
    "offerings.yaml": {"offerings": tuple[Offering, ...]},
    "staff.yaml": {"staff": tuple[StaffAccount, ...]},
    "api_clients.yaml": {"api_clients": tuple[ApiClient, ...]},
}
_ADAPTERS: Final[Mapping[str, TypeAdapter[Any]]] = {
    key: TypeAdapter(shape) for keys in FILES.values() for key, shape in keys.items()
}
#: pydantic's wording where it says less than it could to somebody who edits these files.
_REASONS: Final = {"extra_forbidden": "unknown field", "missing": "the field is missing"}


def read_territory(folder: Path) -> Territory:
    """Read a folder of YAML files into a valid territory. Touches nothing but the files.

    Raises:
        TerritoryErrors: every mistake of every file. References between files are only checked once all files
            are well-formed, since a broken file would make every reference to it look wrong.
    """
    if not folder.is_dir():
        raise TerritoryErrors([TerritoryError(str(folder), 1, "there is no such folder")])
    files = {name: _open(folder, name) for name in FILES}
    errors = [
        TerritoryError(path.name, 1, "no file of this name belongs to a territory")
        for path in folder.glob("*.y*ml")
        if path.name not in FILES
    ]
    parts: dict[str, Any] = {}
    for name, file in files.items():
        if not file.errors:
            parts |= _read_file(file, FILES[name])
        errors += file.errors
    if errors:
        raise TerritoryErrors(errors)
    territory = Territory.model_construct(**parts)
    home = {key: files[name] for name, keys in FILES.items() for key in keys}
    for location, reason in check_references(territory):
        home[str(location[0])].fail(location, reason)
    errors = [error for file in files.values() for error in file.errors]
    if errors:
        raise TerritoryErrors(errors)
    return territory


def _open(folder: Path, name: str) -> YamlFile:
    try:
        return parse_yaml(name, (folder / name).read_text(encoding="utf-8"))
    except FileNotFoundError:
        reason = "the file is missing"
    except UnicodeDecodeError as error:
        reason = f"not UTF-8 text at byte {error.start}"
    except OSError as error:
        reason = f"not readable: {error.strerror}"
    return YamlFile(name, errors=[TerritoryError(name, 1, reason)])


def _read_file(file: YamlFile, keys: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(file.value, dict):
        file.fail((), f"the file must be a mapping with {' and '.join(keys)}")
        return {}
    for key in file.value.keys() - keys.keys():
        file.fail((key,), f"unknown key {key!r}; expected {' and '.join(keys)}")
    parts = {}
    for key in keys:
        if key not in file.value:
            file.fail((), f"the key {key!r} is missing")
            continue
        try:
            # By way of JSON, where strictness means what it should: text may be a day, but never a number.
            parts[key] = _ADAPTERS[key].validate_json(json.dumps(file.value[key]), strict=True)
        except ValidationError as error:
            for problem in error.errors(include_url=False, include_context=False):
                location: Location = (key, *problem["loc"])
                file.fail(location, f"{_path(problem['loc'])}{_reason(problem['type'], problem['msg'])}")
    return parts


def _path(location: Location) -> str:
    text = "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in location).lstrip(".")
    return f"{text}: " if text else ""


def _reason(kind: str, message: str) -> str:
    return _REASONS.get(kind, message.removeprefix("Value error, "))
