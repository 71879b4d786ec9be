"""What is installed where this runs, as JSON: in an image, by that image's own Python."""

import json
from collections.abc import Iterator
from importlib.metadata import PackageMetadata, distributions
from pathlib import Path
from typing import Any


def licence(about: PackageMetadata) -> str:
    """An SPDX expression if the package has one, else the name of its classifier, else what it says."""
    classifiers = [each for each in about.get_all("Classifier") or [] if each.startswith("License ::")]
    named = classifiers[0].rpartition(" :: ")[2] if classifiers else _said(about, "License")
    return _said(about, "License-Expression") or named


def _said(about: PackageMetadata, field: str) -> str:
    return str((about.get_all(field) or [""])[0])


def npm(directory: Path) -> Iterator[list[str]]:
    """Those below a directory, with the licence if package.json says one in a word, as is usual."""
    for name in ("*", "@*/*"):
        for file in directory.rglob(f"node_modules/{name}/package.json"):
            about: dict[str, Any] = json.loads(file.read_text())
            said = about.get("license")
            yield [about["name"], about["version"], said if isinstance(said, str) else ""]


status = Path("/var/lib/dpkg/status")
lines = Path("/etc/os-release").read_text().splitlines()
release = dict(line.split("=", 1) for line in lines if "=" in line)
print(
    json.dumps(
        {
            "python": [[each.name, each.version, licence(each.metadata)] for each in distributions()],
            "npm": sorted(npm(Path.cwd())),
            "dpkg": status.read_text(errors="replace") if status.exists() else "",
            "release": release.get("VERSION_CODENAME", "").strip('"'),
        }
    )
)
