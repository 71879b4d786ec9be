"""The compose files as one model: laid over each other as Compose does it, `${…}` left as they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any, Final

import yaml

DEPLOY: Final = Path(__file__).parents[1]
CLUSTER: Final = (DEPLOY / "compose.yaml", DEPLOY / "compose.cluster.yaml")
CLUSTER_WITH_TLS: Final = (*CLUSTER, DEPLOY / "compose.tls.yaml", DEPLOY / "compose.cluster.tls.yaml")
_REPLACED: Final = frozenset({"command", "entrypoint", "test"})
_NOT_EXTENDED: Final = frozenset({"depends_on"})


@dataclass(frozen=True, slots=True)
class _Override:
    """A value that replaces what stands below it, instead of being added."""

    value: Any


class _Loader(yaml.SafeLoader):
    """YAML with Compose's two tags."""


def _override(loader: _Loader, node: yaml.Node) -> _Override:
    if isinstance(node, yaml.SequenceNode):
        return _Override(loader.construct_sequence(node, deep=True))
    if isinstance(node, yaml.MappingNode):
        return _Override(loader.construct_mapping(node, deep=True))
    return _Override(None)


_Loader.add_constructor("!override", _override)
_Loader.add_constructor("!reset", _override)


def read(*files: Path) -> dict[str, Any]:
    """The merged document."""
    return reduce(_merged, map(_read, files))


def _read(file: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.load(file.read_text(), _Loader)  # noqa: S506 - a SafeLoader
    services = {name: _extended(service, file) for name, service in document["services"].items()}
    return {name: part for name, part in document.items() if not name.startswith("x-")} | {
        "services": services
    }


def _extended(service: dict[str, Any], file: Path) -> dict[str, Any]:
    if "extends" not in service:
        return service
    base = _read(file.parent / service["extends"]["file"])["services"][service["extends"]["service"]]
    own = {name: value for name, value in service.items() if name != "extends"}
    return _merged({name: value for name, value in base.items() if name not in _NOT_EXTENDED}, own)


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    return dict(below) | {name: _over(name, below.get(name), value) for name, value in above.items()}


def _over(name: str, below: Any, above: Any) -> Any:  # noqa: ANN401 - YAML
    if isinstance(above, _Override):
        return above.value
    if isinstance(below, Mapping) and isinstance(above, Mapping):
        return _merged(below, above)
    if isinstance(below, list) and isinstance(above, list) and name not in _REPLACED:
        kept = {target_of(entry): entry for entry in below}
        return list((kept | {target_of(entry): entry for entry in above}).values())
    return above


def target_of(entry: Any) -> str:  # noqa: ANN401 - YAML
    """Where in the container an entry of a list goes; of two with one target the upper wins."""
    if isinstance(entry, Mapping):
        return str(entry["target"])
    return bind_of(entry)[1] if "/" in entry else str(entry)


def bind_of(entry: str) -> tuple[str, str]:
    """Source and target of a short `source:target[:ro]`; a `${…:-…}` in the source is part of it."""
    source, _, rest = entry.removesuffix(":ro").rpartition(":")
    return source, rest
