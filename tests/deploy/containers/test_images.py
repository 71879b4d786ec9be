"""What the images hold: little, nobody's tools, and nothing that a change of code makes anew but the code."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from docker import DockerClient
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from deploy.supply_chain.contents import contents_of
from deploy.supply_chain.sbom import bill_of_materials
from tests.support.stack import ROOT, Stack

IMAGES = ("identity", "catalogue", "vouchers", "notifications", "gateway")


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_adds_less_than_150_megabytes_to_its_base(
    stack: Stack, docker_engine: DockerClient, image: str
) -> None:
    base = docker_engine.images.get("python:3.13-slim").attrs
    ours = docker_engine.images.get(stack.image(image)).attrs
    shared = len(base["RootFS"]["Layers"])
    assert ours["RootFS"]["Layers"][:shared] == base["RootFS"]["Layers"], "made from another base"
    assert ours["Size"] - base["Size"] < 150e6


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_has_no_build_tools_and_only_its_own_code(stack: Stack, image: str) -> None:
    contents = stack.python_in_image(image, "contents")
    assert contents == {"code": sorted({image, "chassis", "contracts"}), "tools": [], "installers": []}


@pytest.mark.parametrize("image", IMAGES)
def test_an_images_bill_of_materials_has_what_is_locked_and_nothing_else_of_python_and_npm(
    stack: Stack, docker_engine: DockerClient, image: str
) -> None:
    bill = json.loads(bill_of_materials(contents_of(docker_engine, stack.image(image))))
    listed = {each["purl"] for each in bill["components"]}
    lock = ROOT / "requirements" / ("gateway.lock" if image == "gateway" else "service.lock")
    lines = [line.removesuffix(" \\") for line in lock.read_text().splitlines() if "==" in line]
    wanted = [each for each in map(Requirement, lines) if each.marker is None or each.marker.evaluate()]
    locked = {f"pkg:pypi/{canonicalize_name(each.name)}@{str(each.specifier)[2:]}" for each in wanted}
    assert {each for each in listed if each.startswith("pkg:pypi/")} == locked
    served = json.loads((ROOT / "gateway/portal/package.json").read_text())["dependencies"]
    npm = {f"pkg:npm/{name}@{exactly}" for name, exactly in served.items() if image == "gateway"}
    assert {each for each in listed if each.startswith("pkg:npm/")} == npm
    assert any(each.startswith("pkg:deb/debian/libc6@") for each in listed)


def test_a_change_of_code_leaves_the_layer_of_packages_as_it_was(
    stack: Stack, docker_engine: DockerClient, tmp_path: Path
) -> None:
    for part in ("services", "gateway", "deploy", "requirements"):
        shutil.copytree(
            ROOT / part,
            tmp_path / part,
            ignore=shutil.ignore_patterns("secrets", "__pycache__", "node_modules"),
        )
    shutil.copy(ROOT / ".dockerignore", tmp_path)
    before = docker_engine.images.get(stack.image("vouchers")).attrs["RootFS"]["Layers"]
    with (tmp_path / "services" / "vouchers" / "settings.py").open("a") as module:
        module.write("\n# changed\n")
    after = stack.rebuilt("vouchers", tmp_path)
    assert after[-1] != before[-1], "the change did not reach the image"
    assert after[:-1] == before[:-1], "more than the service's code was made anew"
