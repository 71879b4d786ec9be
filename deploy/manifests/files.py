"""The generated files: what they must hold, and whether they do."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from deploy.manifests import kubernetes, swarm
from deploy.manifests.parts import TERRITORY, parts
from deploy.manifests.source import CLUSTER_WITH_TLS, DEPLOY

_HEAD: Final = "# Generated from the compose files: python -m deploy manifests\n"
_WIDTH: Final = 110


class _Dumper(yaml.SafeDumper):
    """Writes everything out: no anchors."""

    def ignore_aliases(self, _data: object) -> bool:
        return True


def generated(territory: Path = TERRITORY) -> dict[str, str]:
    """Path below deploy/ → content."""
    contents = {"stack.yaml": [swarm.stack(parts(territory, CLUSTER_WITH_TLS))]}
    for path, documents in kubernetes.manifests(parts(territory)).items():
        contents[f"kubernetes/{path}"] = documents
    return {path: _HEAD + _yaml(documents) for path, documents in contents.items()}


def stale(wanted: Mapping[str, str], root: Path = DEPLOY) -> list[str]:
    """Those that are not as they must be, and those that were generated once and are no longer."""
    there = {
        str(path.relative_to(root)): path.read_text()
        for path in (root / "stack.yaml", *(root / "kubernetes").rglob("*.yaml"))
        if path.exists()
    }
    gone = {path for path, text in there.items() if text.startswith(_HEAD)} - wanted.keys()
    return sorted({path for path, text in wanted.items() if there.get(path) != text} | gone)


def write(wanted: Mapping[str, str], root: Path = DEPLOY) -> list[str]:
    """Those that were changed."""
    changed = stale(wanted, root)
    for path in changed:
        if path in wanted:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(wanted[path])
        else:
            (root / path).unlink()
    return changed


def _yaml(documents: list[dict[str, Any]]) -> str:
    return yaml.dump_all(documents, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH)
