"""YAML read strictly, with the line of every value.

A plain scalar is null, true, false or a decimal integer, and otherwise text. YAML 1.1's surprises are left out on
purpose: ``10:00`` is not 600, ``012127`` not an octal number, ``no`` not false, and a day is text until a model
that expects a day reads it. Repeated keys, which YAML parsers usually swallow, are errors.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from services.contracts.territory.errors import TerritoryError

#: Keys and indexes from the top of a file down to a value.
Location = tuple[str | int, ...]


class _Loader(yaml.CSafeLoader):
    """Composes nodes with the few implicit types named above."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}


_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"null\Z"), ["n"])
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"(true|false)\Z"), ["t", "f"])
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile(r"-?(0|[1-9][0-9]{0,17})\Z"), list("-0123456789")
)


@dataclass
class YamlFile:
    """A parsed file: plain Python values, and where each of them stands."""

    name: str
    value: Any = None
    errors: list[TerritoryError] = field(default_factory=list)
    _lines: dict[Location, int] = field(default_factory=lambda: {(): 1})

    def line(self, location: Location) -> int:
        """Line of a value, or of the nearest value around it if it is absent.

        Parts that the file does not have are passed over, as a model's error may name a missing field or a variant.
        """
        known: Location = ()
        for part in location:
            if (*known, part) in self._lines:
                known = (*known, part)
        return self._lines[known]

    def fail(self, location: Location, reason: str) -> None:
        """Record a mistake at a value."""
        self.errors.append(TerritoryError(self.name, self.line(location), reason))


def parse_yaml(name: str, text: str) -> YamlFile:
    """Parse one document; mistakes of syntax are in ``errors``, and ``value`` is then None or incomplete."""
    file = YamlFile(name)
    try:
        root = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        file.errors.append(TerritoryError(name, line, f"not readable as YAML: {error.problem}"))
        return file
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        file.errors.append(TerritoryError(name, line, f"not readable as YAML: {error.reason}"))
        return file
    if root is None:
        file.errors.append(TerritoryError(name, 1, "the file is empty"))
        return file
    file.value = _build(file, root, ())
    return file


def _build(file: YamlFile, node: yaml.Node, location: Location) -> Any:
    file._lines[location] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        return _mapping(file, node, location)
    if isinstance(node, yaml.SequenceNode):
        return [_build(file, item, (*location, index)) for index, item in enumerate(node.value)]
    match node.tag:
        case "tag:yaml.org,2002:null":
            return None
        case "tag:yaml.org,2002:bool":
            return node.value == "true"
        case "tag:yaml.org,2002:int":
            return int(node.value)
        case "tag:yaml.org,2002:str":
            return node.value
        case _:
            file.fail(location, f"the tag {node.tag} is not allowed")
            return None


def _mapping(file: YamlFile, node: yaml.MappingNode, location: Location) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        key = key_node.value
        if not isinstance(key, str):
            file.errors.append(TerritoryError(file.name, line, "a key must be plain text"))
        elif key in result:
            file.errors.append(TerritoryError(file.name, line, f"the key {key!r} is repeated"))
        else:
            result[key] = _build(file, value_node, (*location, key))
            # A key with its value on the next lines is looked for where the key stands.
            file._lines[(*location, key)] = line
    return result
