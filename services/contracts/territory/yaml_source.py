"""YAML read strictly, with the line of every value.

A plain scalar is null, true, false or a decimal integer, and otherwise text. YAML 1.1's surprises are left
out on purpose: `10:00` is not 600, `012127` no octal number, `no` not false, and a day is text until a model
that expects a day reads it. Repeated keys, which parsers mostly swallow, are errors; so are tags and aliases.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import yaml

from services.contracts.territory.errors import TerritoryError

#: Keys and indexes from the top of a file down to a value.
Location = tuple[str | int, ...]
#: What a file can hold: text, integer, truth value, nothing, and lists and mappings of these.
Value = str | int | bool | None | list["Value"] | dict[str, "Value"]


class _Loader(yaml.CSafeLoader):
    """Composes nodes with the few implicit types named above."""


_Loader.yaml_implicit_resolvers = {}
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"null\Z"), ["n"])
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"(true|false)\Z"), ["t", "f"])
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile(r"-?(0|[1-9][0-9]{0,17})\Z"), list("-0123456789")
)


@dataclass
class YamlFile:
    """A parsed file: plain values, and where each of them stands."""

    name: str
    value: Value = None
    errors: list[TerritoryError] = field(default_factory=list)
    lines: dict[Location, int] = field(default_factory=lambda: {(): 1})

    def line(self, location: Location) -> int:
        """Line of a value, or of the nearest value around it if it is absent.

        Parts that the file does not have are passed over: an error may name a missing field or a variant.
        """
        known: Location = ()
        for part in location:
            if (*known, part) in self.lines:
                known = (*known, part)
        return self.lines[known]

    def fail(self, location: Location, reason: str) -> None:
        """Record a mistake at a value."""
        self.fail_at(self.line(location), reason)

    def fail_at(self, line: int, reason: str) -> None:
        """Record a mistake on a line."""
        self.errors.append(TerritoryError(self.name, line, reason))


def parse_yaml(name: str, text: str) -> YamlFile:
    """Parse one document; mistakes of syntax are in `errors`, and `value` is then None or incomplete."""
    file = YamlFile(name)
    try:
        root = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        file.fail_at(line, f"not readable as YAML: {error.problem}")
    except yaml.reader.ReaderError as error:
        file.fail_at(text.count("\n", 0, error.position) + 1, f"not readable as YAML: {error.reason}")
    else:
        if root is None:
            file.fail_at(1, "the file is empty")
        else:
            file.value = _Builder(file).build(root, ())
    return file


class _Builder:
    """Turns the nodes of one document into values and notes their lines."""

    def __init__(self, file: YamlFile) -> None:
        self._file = file
        self._built: set[yaml.Node] = set()

    def build(self, node: yaml.Node, location: Location) -> Value:
        line = node.start_mark.line + 1
        self._file.lines[location] = line
        if node in self._built:
            self._file.fail_at(line, "the value is used again by an alias; write it out each time")
            return None
        self._built.add(node)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, location)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*location, index)) for index, item in enumerate(node.value)]
        return self._scalar(node, line)

    def _mapping(self, node: yaml.MappingNode, location: Location) -> dict[str, Value]:
        result: dict[str, Value] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            key = key_node.value
            if not isinstance(key_node, yaml.ScalarNode):
                self._file.fail_at(line, "a key must be plain text")
            elif key in result:
                self._file.fail_at(line, f"the key {key!r} is repeated")
            else:
                result[key] = self.build(value_node, (*location, key))
                # A value that begins on the next line is looked for where its key stands.
                self._file.lines[(*location, key)] = line
        return result

    def _scalar(self, node: yaml.Node, line: int) -> Value:
        match node.tag.removeprefix("tag:yaml.org,2002:"):
            case "str":
                return str(node.value)
            case "int":
                return int(node.value)
            case "bool":
                return bool(node.value == "true")
            case "null":
                return None
            case tag:
                self._file.fail_at(line, f"the tag {tag} is not allowed")
                return None
