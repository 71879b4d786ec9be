"""The packages in an image: Python's, npm's and Debian's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from docker import DockerClient
from docker.errors import ContainerError, ImageNotFound
from packageurl import PackageURL
from packaging.utils import canonicalize_name

from deploy.operating.installation import OperationError

SOURCE: Final = "ambito:source-package"
"""Property of a Debian package: name and version of the source package, to which advisories relate."""
_INSIDE: Final = Path(__file__).with_name("inside.py")


@dataclass(frozen=True, slots=True, order=True)
class Package:
    """One package; `url` is its package URL, `source` what it was built from if that has another name."""

    name: str
    version: str
    url: str
    licence: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Contents:
    """Everything in an image that has a name and a version."""

    image: str
    digest: str
    packages: tuple[Package, ...]


def contents_of(client: DockerClient, image: str) -> Contents:
    """Look into an image of this project, by a container without network and rights.

    OperationError if there is no such image, or no Python in it.
    """
    try:
        digest = str(client.images.get(image).id)
        printed = client.containers.run(
            image,
            entrypoint=["python", "-c", _INSIDE.read_text()],
            network_mode="none",
            read_only=True,
            cap_drop=["ALL"],
            remove=True,
        )
    except ImageNotFound as error:
        raise OperationError(f"there is no image {image}") from error
    except ContainerError as error:
        raise OperationError(f"{image}: {str(error)[-500:]}") from error
    found = json.loads(printed)
    python = (_python(*each) for each in found["python"])
    npm = (npm_package(*each) for each in found["npm"])
    debian = debian_packages(found["dpkg"], found["release"])
    return Contents(image, digest, tuple(sorted({*python, *npm, *debian})))


def _python(name: str, version: str, licence: str) -> Package:
    url = PackageURL("pypi", None, canonicalize_name(name), version)
    return Package(name, version, url.to_string(), licence)


def npm_package(name: str, version: str, licence: str) -> Package:
    """As its package.json has it; a name may begin with a scope: @popperjs/core."""
    scope, _, own = name.rpartition("/")
    return Package(name, version, PackageURL("npm", scope, own, version).to_string(), licence)


def debian_packages(status: str, release: str) -> Iterator[Package]:
    """The installed packages in a dpkg status file of the Debian release with this code name."""
    for paragraph in status.split("\n\n"):
        fields = dict(
            line.split(": ", 1) for line in paragraph.splitlines() if ": " in line and line[0] != " "
        )
        if fields.get("Status", "").endswith(" installed"):
            source, _, source_version = fields.get("Source", "").partition(" (")
            url = PackageURL(
                "deb",
                "debian",
                fields["Package"],
                fields["Version"],
                {"arch": fields["Architecture"], "distro": release},
            )
            name = f"{source or fields['Package']} {source_version.rstrip(')') or fields['Version']}"
            yield Package(fields["Package"], fields["Version"], url.to_string(), source=name)
