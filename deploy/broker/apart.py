"""Which comuni are served apart, by workers of their own: `apart.yaml`, a matter of one deployment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Self

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from services.chassis.partition import Partition
from services.contracts.territory import Territory

SERVICES_APART: Final = ("catalogue", "vouchers", "notifications")
"""Those that hear of events of a comune; identity hears of none."""


class ApartError(Exception):
    """The file cannot be used; one line for each reason, with the place in it."""


def _known_service(name: str) -> str:
    if name not in SERVICES_APART:
        raise ValueError(f"{name!r} is none of {', '.join(SERVICES_APART)}")
    return name


class Group(BaseModel):
    """Comuni that share their workers: one for each of `services`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    comuni: tuple[str, ...]
    services: Annotated[tuple[Annotated[str, AfterValidator(_known_service)], ...], Field(min_length=1)] = (
        "vouchers",
        "notifications",
    )

    @model_validator(mode="after")
    def _are_words(self) -> Self:
        Partition.of(*self.comuni)
        return self

    @property
    def partition(self) -> Partition:
        return Partition.of(*self.comuni)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    apart: tuple[Group, ...] = ()


@dataclass(frozen=True, slots=True)
class Apart:
    """All groups; no comune is in two of them."""

    groups: tuple[Group, ...] = ()

    def partitions(self) -> Mapping[str, frozenset[Partition]]:
        """By service, as the topology wants them."""
        return {
            service: frozenset(group.partition for group in self.groups if service in group.services)
            for service in SERVICES_APART
        }

    def group_of(self, comune: str) -> Group | None:
        """The group in which it is served, if it is served apart."""
        return next((group for group in self.groups if comune in group.comuni), None)

    def with_group(self, group: Group) -> Apart:
        """The same and this one, instead of one of the same comuni."""
        return Apart((*self.without(group).groups, group))

    def without(self, group: Group) -> Apart:
        """The same, and the comuni of this one are served with all others."""
        return Apart(tuple(each for each in self.groups if each.partition != group.partition))


def read_apart(file: Path, territory: Territory) -> Apart:
    """What the file says; nobody is apart if there is none. Raises ApartError."""
    if not file.is_file():
        return Apart()
    try:
        return checked(Apart(_File.model_validate(yaml.safe_load(file.read_text()) or {}).apart), territory)
    except yaml.YAMLError as error:
        raise ApartError(f"{file.name}: not YAML: {error}") from error
    except ValidationError as error:
        lines = (
            f"{file.name}: {'.'.join(map(str, part['loc'])) or 'file'}: {part['msg']}"
            for part in error.errors()
        )
        raise ApartError("\n".join(lines)) from error


def checked(apart: Apart, territory: Territory) -> Apart:
    """`apart`, if the territory has its comuni and none is in two groups; else ApartError."""
    known = {comune.belfiore for comune in territory.comuni}
    comuni = [comune for group in apart.groups for comune in group.comuni]
    reasons = [
        *(f"{each} is no comune of this territory" for each in sorted(set(comuni) - known)),
        *(f"{each} is in two groups" for each in sorted({each for each in comuni if comuni.count(each) > 1})),
    ]
    if reasons:
        raise ApartError("\n".join(f"apart.yaml: {reason}" for reason in reasons))
    return apart


def write_apart(file: Path, apart: Apart) -> None:
    """Write the file anew; its first lines that are comments stay."""
    lines = file.read_text().splitlines() if file.is_file() else []
    until = next((place for place, line in enumerate(lines) if not line.startswith("#")), len(lines))
    groups = [
        f"  - {{comuni: [{', '.join(group.comuni)}], services: [{', '.join(group.services)}]}}"
        for group in apart.groups
    ]
    text = "\n".join([*lines[:until], *(["apart:", *groups] if groups else ["apart: []"])])
    file.write_text(f"{text}\n")
