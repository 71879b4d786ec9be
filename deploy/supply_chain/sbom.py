"""An image's bill of materials, CycloneDX 1.6 as JSON."""

from __future__ import annotations

from typing import Final

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from deploy.supply_chain.contents import SOURCE, Contents, Package

_licences: Final = LicenseFactory()


def bill_of_materials(contents: Contents) -> str:
    """The document; ValueError if it should not be valid by CycloneDX's own schema."""
    name, _, version = contents.image.rpartition(":")
    image = Component(
        type=ComponentType.CONTAINER,
        name=name,
        version=version,
        bom_ref=contents.image,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=contents.digest.removeprefix("sha256:"))],
    )
    bom = Bom(components=[_component(each) for each in contents.packages])
    bom.metadata.component = image
    bom.register_dependency(image, bom.components)
    document: str = JsonV1Dot6(bom).output_as_string(indent=1)
    if (error := JsonStrictValidator(SchemaVersion.V1_6).validate_str(document)) is not None:
        raise ValueError(f"{contents.image}: {error}")
    return document


def _component(package: Package) -> Component:
    return Component(
        type=ComponentType.LIBRARY,
        name=package.name,
        version=package.version,
        purl=PackageURL.from_string(package.url),
        bom_ref=package.url,
        licenses=[_licences.make_from_string(package.licence)] if package.licence else [],
        properties=[Property(name=SOURCE, value=package.source)] if package.source else [],
    )
