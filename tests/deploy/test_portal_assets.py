"""What the portal's pages load of other projects: the gateway's image keeps it, and hardly more."""

from __future__ import annotations

import json
import re
from fnmatch import fnmatch
from pathlib import Path

from gateway.portal.app import _STATIC
from tests.architecture.project import ROOT

PORTAL = ROOT / "gateway" / "portal"


def kept() -> list[str]:
    """Patterns below node_modules."""
    (copied,) = re.findall(
        r"cp --parents -t /portal-assets((?: \\\n|[^\n])+)", (ROOT / "deploy/images/Dockerfile").read_text()
    )
    return [each for each in copied.split() if each != "\\"]


def loaded() -> set[Path]:
    """Files that pages and style sheets name."""
    named = re.compile(r"/portal/static/([\w-]+)/([^\"')#?\s]+)")
    files = [*PORTAL.glob("templates/**/*.html"), *PORTAL.glob("static/*.css")]
    found = {each for file in files for each in named.findall(file.read_text())}
    return {_STATIC[place] / name for place, name in found if place != "own"}


def test_the_image_keeps_what_pages_load() -> None:
    names = {str(each.relative_to(PORTAL / "node_modules")) for each in loaded()}
    assert names, "pages load nothing?"
    assert {name for name in names if not any(fnmatch(name, pattern) for pattern in kept())} == set()


def test_the_image_keeps_of_each_package_its_licence_and_what_it_is() -> None:
    wanted = json.loads((PORTAL / "package.json").read_text())["dependencies"]
    assert {each.partition("/")[0] for each in kept()} == set(wanted)
    for package in wanted:
        assert {f"{package}/package.json", f"{package}/LICENSE"} <= set(kept())


def test_packages_are_locked_by_hash_and_come_from_the_public_registry() -> None:
    locked = json.loads((PORTAL / "package-lock.json").read_text())["packages"]
    for place, package in locked.items():
        if place:
            assert package["integrity"].startswith("sha512-"), place
            assert package["resolved"].startswith("https://registry.npmjs.org/"), place
