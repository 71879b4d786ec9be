"""`sbom` and `audit`: what the images are made of, and what is known against it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import docker
import typer
from docker.errors import DockerException
from packageurl import PackageURL

from deploy.operating.installation import OperationError
from deploy.operating.terminal import Exit, failing, session_of
from deploy.supply_chain.accepted import Acceptance, read_accepted
from deploy.supply_chain.advisories import Advisories, Advisory
from deploy.supply_chain.contents import SOURCE, contents_of

IMAGES: Final = ("identity", "catalogue", "vouchers", "notifications", "gateway", "operations")
ACCEPTED: Final = Path(__file__).with_name("accepted.yaml")
DEBIAN_RELEASES: Final = {"bookworm": "12", "trixie": "13", "forky": "14"}

_Output = Annotated[Path, typer.Option(help="Directory for the documents, one for each image.")]
_Images = Annotated[str, typer.Option(envvar="AMBITO_IMAGES", help="Where images come from.")]
_Version = Annotated[str, typer.Option(envvar="AMBITO_VERSION", help="Which images.")]


def sbom(
    context: typer.Context,
    output: _Output = Path("var/sbom"),
    images: _Images = "ambito",
    version: _Version = "latest",
) -> None:
    """Write what each image is made of, as CycloneDX 1.6."""
    # Its validator builds grammars for seconds, which every other command would wait for.
    from deploy.supply_chain.sbom import bill_of_materials

    terminal = session_of(context).terminal
    output.mkdir(parents=True, exist_ok=True)
    rows = []
    with failing(), terminal.progress() as progress:
        client = _engine()
        for name in progress.track(IMAGES, description="images"):
            contents = contents_of(client, f"{images}/{name}:{version}")
            file = output / f"{name}.cdx.json"
            file.write_text(bill_of_materials(contents))
            rows.append({"image": contents.image, "packages": len(contents.packages), "file": str(file)})
    terminal.table(("image", "packages", "file"), [list(row.values()) for row in rows])
    terminal.document({"documents": rows})


@dataclass(frozen=True, slots=True)
class _Part:
    """A package as advisories speak of it."""

    ecosystem: str
    release: str
    name: str
    version: str


def audit(
    context: typer.Context,
    of: Annotated[list[Path], typer.Argument(help="Bills of materials (*.cdx.json) and locks (*.lock).")],
    advisories: Annotated[
        list[Path],
        typer.Option(help="Directories or zip files with advisories in the form of OSV; may be repeated."),
    ],
    accepted: Annotated[Path, typer.Option(help="Advisories that do no harm here, and why.")] = ACCEPTED,
) -> None:
    """Say what is known against the packages in images and locks. Needs no network.

    Ends with 1 if there is anything that is not accepted.
    """
    terminal = session_of(context).terminal
    with failing():
        known = Advisories.read(advisories)
        acceptances = read_accepted(accepted)
        parts = {part: None for file in of for part in _parts(file)}
        found = [(part, each) for part in parts for each in known.against(*_asked(part))]
    today = datetime.now(UTC).date()
    rows = [_row(part, each, acceptances, today.isoformat()) for part, each in found]
    terminal.table(
        ("package", "version", "advisory", "fixed in", "accepted because", "summary"),
        [list(r.values()) for r in rows],
    )
    terminal.say(f"{len(parts)} packages, {known.count} advisories, {len(rows)} that concern them.")
    terminal.document({"packages": len(parts), "advisories": known.count, "findings": rows})
    if any(not row["accepted"] for row in rows):
        raise typer.Exit(Exit.FOUND)


def _asked(part: _Part) -> tuple[str, str, str, str]:
    return (part.ecosystem, part.release, part.name, part.version)


def _row(part: _Part, advisory: Advisory, acceptances: Iterable[Acceptance], today: str) -> dict[str, str]:
    names = {advisory.id, *advisory.aliases}
    reasons = (each.reason for each in acceptances if each.id in names and each.until.isoformat() >= today)
    return {
        "package": part.name,
        "version": part.version,
        "advisory": " ".join([advisory.id, *sorted(advisory.aliases)]),
        "fixed_in": ", ".join(advisory.fixed_in()),
        "accepted": next(reasons, ""),
        "summary": advisory.summary[:120],
    }


def _parts(file: Path) -> Iterator[_Part]:
    try:
        text = file.read_text()
        if file.suffix == ".lock":
            yield from _locked(text)
        else:
            yield from _listed(json.loads(text))
    except (OSError, ValueError, KeyError) as error:
        raise OperationError(f"{file}: {type(error).__name__}: {error}") from error


def _locked(text: str) -> Iterator[_Part]:
    for line in text.splitlines():
        name, pinned, rest = line.partition("==")
        if pinned and not line.startswith(" "):
            yield _Part("PyPI", "", name.partition("[")[0], rest.split()[0])


def _listed(document: dict[str, Any]) -> Iterator[_Part]:
    for component in document["components"]:
        url = PackageURL.from_string(component["purl"])
        if url.type == "pypi":
            yield _Part("PyPI", "", url.name, url.version or "")
        elif url.type == "npm":
            yield _Part("npm", "", "/".join(filter(None, (url.namespace, url.name))), url.version or "")
        elif url.type == "deb":
            (source,) = (each["value"] for each in component["properties"] if each["name"] == SOURCE)
            name, version = source.split(" ")
            codename = dict(url.qualifiers).get("distro", "")
            yield _Part("Debian", DEBIAN_RELEASES.get(codename, codename), name, version)


def _engine() -> docker.DockerClient:
    try:
        return docker.from_env(timeout=60)
    except DockerException as error:
        raise OperationError(f"Docker Engine does not answer: {error}") from error
