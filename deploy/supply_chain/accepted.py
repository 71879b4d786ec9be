"""Advisories that somebody has looked at and found to do no harm here, for a time."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from deploy.operating.installation import OperationError


class Acceptance(BaseModel):
    """`id` is an advisory's or an alias of it; after `until` it counts again."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(min_length=1)
    reason: str = Field(min_length=10)
    until: date


_list = TypeAdapter(list[Acceptance])


def read_accepted(file: Path) -> list[Acceptance]:
    """From a YAML list. OperationError, which names the field, if it is not what it should be."""
    try:
        return _list.validate_python(yaml.safe_load(file.read_text()) or [])
    except (OSError, yaml.YAMLError) as error:
        raise OperationError(f"{file}: {error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise OperationError(f"{file}: {place}: {first['msg']}") from error
