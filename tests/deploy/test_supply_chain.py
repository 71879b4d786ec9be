"""What an image holds, and what is known against a package: advisories of PyPI, npm and Debian, from disk."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
import yaml
from typer.testing import CliRunner, Result

from deploy.__main__ import app
from deploy.operating.installation import OperationError
from deploy.operating.terminal import Exit
from deploy.supply_chain import contents
from deploy.supply_chain.advisories import Advisories
from deploy.supply_chain.contents import Contents, Package, debian_packages, npm_package
from deploy.supply_chain.sbom import bill_of_materials

BETWEEN = [{"introduced": "1.2"}, {"fixed": "1.4"}, {"introduced": "2.0rc1"}, {"fixed": "2.1"}]


def advisory(id: str, *ranges: list[dict[str, str]], **more: Any) -> dict[str, Any]:
    kind = more.pop("type", "ECOSYSTEM")
    affected = {
        "package": {"ecosystem": more.pop("ecosystem", "PyPI"), "name": more.pop("name", "Made_Up")},
        "ranges": [{"type": kind, "events": events} for events in ranges],
        "versions": more.pop("versions", []),
    }
    return {"id": id, "summary": "It breaks.", "affected": [affected], **more}


def written(directory: Path, *documents: dict[str, Any]) -> Path:
    for document in documents:
        (directory / f"{document['id']}.json").write_text(json.dumps(document))
    return directory


def ids(advisories: Advisories, version: str, ecosystem: str = "PyPI", release: str = "") -> list[str]:
    return [each.id for each in advisories.against(ecosystem, release, "made-up", version)]


@pytest.mark.parametrize(
    ("version", "affected"),
    [
        ("1.1", False),
        ("1.2", True),
        ("1.3.9", True),
        ("1.4", False),
        ("1.10", False),
        ("2.0rc1", True),
        ("2.1", False),
    ],
)
def test_a_version_is_affected_from_its_introduction_until_its_fix(
    tmp_path: Path, version: str, affected: bool
) -> None:
    found = Advisories.read([written(tmp_path, advisory("A-1", BETWEEN))])
    assert ids(found, version) == (["A-1"] if affected else [])


def test_the_last_affected_version_is_affected_and_a_named_one_too(tmp_path: Path) -> None:
    last = advisory("A-1", [{"introduced": "0"}, {"last_affected": "1.3"}])
    named = advisory("A-2", versions=["2004d"])  # no version by PEP 440
    found = Advisories.read([written(tmp_path, last, named)])
    assert [ids(found, version) for version in ("1.3", "1.3.1", "2004d")] == [["A-1"], [], ["A-2"]]


def test_debian_versions_are_ordered_as_debian_orders_them_and_by_release(tmp_path: Path) -> None:
    events = [{"introduced": "0"}, {"fixed": "1:1.2~rc1-3"}]
    document = advisory("D-1", events, ecosystem="Debian:13", name="made-up")
    found = Advisories.read([written(tmp_path, document)])
    assert ids(found, "9.9-1", "Debian", "13") == ["D-1"], "no epoch is before any epoch"
    assert ids(found, "1:1.2-1", "Debian", "13") == []
    assert ids(found, "1:1.2~beta-1", "Debian", "13") == ["D-1"]
    assert ids(found, "9.9-1", "Debian", "12") == []


@pytest.mark.parametrize(
    ("version", "affected"),
    [
        ("1.9.9", False),
        ("1.10.0-1", False),  # before 1.10.0; on PyPI it would be after
        ("1.10.0", True),
        ("2.0.0-beta.2", True),
        ("2.0.0-beta.11", False),
        ("2.0.0-beta.eleven", False),
        ("2.0.0", False),
    ],
)
def test_versions_of_npm_are_ordered_as_semantic_versions(
    tmp_path: Path, version: str, affected: bool
) -> None:
    events = [{"introduced": "1.10"}, {"fixed": "2.0.0-beta.11"}]
    document = advisory("N-1", events, ecosystem="npm", name="made-up", type="SEMVER")
    found = Advisories.read([written(tmp_path, document)])
    assert ids(found, version, "npm") == (["N-1"] if affected else [])
    assert ids(found, version, "PyPI") == [], "the same name elsewhere is another package"


@pytest.mark.parametrize(("ecosystem", "first"), [("PyPI", "0.dev1"), ("npm", "0.0.0-0"), ("Debian", "0~1")])
def test_what_begins_with_zero_affects_the_very_first_version(
    tmp_path: Path, ecosystem: str, first: str
) -> None:
    open_end = advisory("A-1", [{"introduced": "0"}], ecosystem=ecosystem, name="made-up")
    never = advisory("A-2", [{"introduced": "0"}, {"fixed": "0"}], ecosystem=ecosystem, name="made-up")
    found = Advisories.read([written(tmp_path, open_end, never)])
    assert ids(found, first, ecosystem) == ["A-1", "A-2"]
    assert ids(found, "9.9.9", ecosystem) == ["A-1"]


def test_what_was_withdrawn_does_not_count_and_what_has_two_names_counts_once(tmp_path: Path) -> None:
    everything = [{"introduced": "0"}]
    documents = (
        advisory("A-1", everything, aliases=["CVE-1"]),
        advisory("B-1", everything, aliases=["CVE-1"]),
        advisory("C-1", everything, withdrawn="2026-01-01T00:00:00Z"),
    )
    assert ids(Advisories.read([written(tmp_path, *documents)]), "1.0") == ["A-1"]


def test_advisories_are_read_from_yaml_and_from_archives_too(tmp_path: Path) -> None:
    directory = tmp_path / "vulns" / "made-up"
    directory.mkdir(parents=True)
    (directory / "A-1.yaml").write_text(yaml.safe_dump(advisory("A-1", BETWEEN)))
    with ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("A-2.json", json.dumps(advisory("A-2", BETWEEN)))
    assert ids(Advisories.read([tmp_path / "vulns", tmp_path / "all.zip"]), "1.3") == ["A-1", "A-2"]


@pytest.mark.parametrize("text", ["no JSON", "[1]", '{"affected": [{"package": {"ecosystem": "PyPI"}}]}'])
def test_a_file_that_is_no_advisory_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "A-1.json").write_text(text)
    with pytest.raises(OperationError, match=r"A-1\.json is no advisory"):
        Advisories.read([tmp_path])


def test_no_advisories_are_a_mistake_and_not_a_clean_bill(tmp_path: Path) -> None:
    with pytest.raises(OperationError, match="there is no advisory"):
        Advisories.read([tmp_path])


STATUS = """\
Package: libmade1
Status: install ok installed
Architecture: amd64
Source: made-up (1.2-3)
Version: 1:1.2-3+b1
Description: made up
 Status: not a field

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1
"""


def test_packages_of_npm_are_found_and_not_what_is_in_them(
    tmp_path: Path,
) -> None:
    def put(directory: str, **about: Any) -> None:
        file = tmp_path / directory / "package.json"
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps(about))

    put("portal", name="ambito-portal")
    put("portal/node_modules/made-up", name="made-up", version="1.0.0", license="0BSD")
    put("portal/node_modules/made-up/dist/esm", type="module")
    put("portal/node_modules/made-up/node_modules/@of/it", name="@of/it", version="2.0.0-rc.1")
    put("portal/node_modules/old", name="old", version="0.1.0", license={"type": "MIT", "url": "…"})
    inside = [sys.executable, str(contents._INSIDE)]
    done = subprocess.run(inside, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(done.stdout)["npm"] == [
        ["@of/it", "2.0.0-rc.1", ""],
        ["made-up", "1.0.0", "0BSD"],
        ["old", "0.1.0", ""],
    ]


def audit(directory: Path, *arguments: str | Path) -> Result:
    return CliRunner().invoke(
        app, ["--json", "audit", "--advisories", str(directory), *map(str, arguments)], catch_exceptions=False
    )


def test_an_images_packages_are_audited_by_its_bill_of_materials(tmp_path: Path) -> None:
    packages = (
        Package("Made.Up", "1.3", "pkg:pypi/made.up@1.3", "MIT"),
        npm_package("made-up", "1.3.0", "MIT"),
        npm_package("@made/up", "1.3.0", ""),
        *debian_packages(STATUS, "trixie"),
    )
    bill = tmp_path / "image.cdx.json"
    bill.write_text(bill_of_materials(Contents("ambito/made:1", f"sha256:{'0' * 64}", packages)))
    known = tmp_path / "known"
    known.mkdir()
    debian = advisory("D-1", [{"introduced": "0"}, {"fixed": "1.2-4"}], ecosystem="Debian:13", name="made-up")
    npm = advisory("N-1", [{"introduced": "0"}, {"fixed": "1.3.1"}], ecosystem="npm", name="@made/up")
    done = audit(written(known, advisory("A-1", BETWEEN), debian, npm), bill)
    assert done.exit_code == Exit.FOUND
    found = {
        (each["package"], each["version"], each["fixed_in"]) for each in json.loads(done.stdout)["findings"]
    }
    assert found == {
        ("made.up", "1.3", "1.4, 2.1"),
        ("made-up", "1.2-3", "1.2-4"),
        ("@made/up", "1.3.0", "1.3.1"),
    }


def test_what_is_accepted_does_not_count_until_its_day(tmp_path: Path) -> None:
    known = tmp_path / "known"
    known.mkdir()
    written(known, advisory("A-1", BETWEEN, aliases=["CVE-1"]))
    lock = tmp_path / "some.lock"
    lock.write_text("made-up[extra]==1.3 ; sys_platform == 'linux' \\\n    --hash=sha256:00\n")
    accepted = tmp_path / "accepted.yaml"

    def ends(until: str) -> int:
        accepted.write_text(f"[{{id: CVE-1, reason: not reachable here, until: {until}}}]")
        return audit(known, "--accepted", accepted, lock).exit_code

    assert ends("2999-12-31") == Exit.WELL
    assert ends("2020-01-01") == Exit.FOUND
    accepted.write_text("[{id: CVE-1, until: 2999-12-31}]")
    done = audit(known, "--accepted", accepted, lock)
    assert done.exit_code == Exit.FAILED
    assert "0.reason: Field required" in done.stderr
