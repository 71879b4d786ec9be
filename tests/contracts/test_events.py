"""The event contracts: every schema fits its example, and public events say nothing that they must not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from services.contracts.asyncapi import all_events
from services.contracts.events.base import EventData

_CONTRACTS = Path("services/contracts")
_EVENTS = all_events()
# Words of need, health, means and identity: none of them may be the name of a public event's field. A service
# tells the need of the person whose id stands beside it.
_OF_NEED = ("isee", "measure", "need", "service")
_NOT_NEUTRAL = (*_OF_NEED, "codice", "fiscal", "name", "email", "phone", "address", "birth")


def schema(name: str) -> dict[str, Any]:
    return dict(json.loads((_CONTRACTS / "schemas" / f"{name}.schema.json").read_text()))


@pytest.mark.parametrize("name", _EVENTS)
def test_the_example_fits_its_schema_and_travels_unchanged(name: str) -> None:
    example = json.loads((_CONTRACTS / "schemas" / f"{name}.example.json").read_text())
    jsonschema.Draft202012Validator(schema(name)).validate(example)
    model = _EVENTS[name]
    assert json.loads(model.model_validate(example).to_json()) == example


@pytest.mark.parametrize("name", _EVENTS)
def test_an_example_without_one_of_its_fields_does_not_fit(name: str) -> None:
    example = json.loads((_CONTRACTS / "schemas" / f"{name}.example.json").read_text())
    required = schema(name)["required"]
    assert required
    for field in required:
        rest = {key: value for key, value in example.items() if key != field}
        with pytest.raises(jsonschema.ValidationError, match=field):
            jsonschema.Draft202012Validator(schema(name)).validate(rest)


@pytest.mark.parametrize("model", _EVENTS.values(), ids=lambda model: model.event_type())
def test_a_consumer_ignores_fields_that_were_added_later(model: type[EventData]) -> None:
    later = {**json.loads(model.example_data().to_json()), "added_later": 1}
    assert model.model_validate(later) == model.example_data()


@pytest.mark.parametrize("model", [m for m in _EVENTS.values() if m.public], ids=lambda m: m.event_type())
def test_a_public_event_carries_ids_and_neutral_facts_only(model: type[EventData]) -> None:
    assert not [name for name in field_names(model) if any(word in name for word in _NOT_NEUTRAL)]


@pytest.mark.parametrize("model", _EVENTS.values(), ids=lambda model: model.event_type())
def test_no_event_tells_the_need_of_the_person_whose_id_it_carries(model: type[EventData]) -> None:
    names = field_names(model)
    if any(name.endswith(("person_id", "principal_id")) for name in names):
        assert not [name for name in names if any(word in name for word in _OF_NEED)]


@pytest.mark.parametrize("document", ["insiders.yaml", "cooperatives.yaml"])
def test_every_reference_of_an_asyncapi_document_leads_somewhere(document: str) -> None:
    content = yaml.safe_load((_CONTRACTS / "asyncapi" / document).read_text())
    assert content["asyncapi"] == "3.0.0"
    found = list(references(content))
    assert found
    for reference in found:
        target = content
        for part in reference.removeprefix("#/").split("/"):
            target = target[part]
        assert target


def test_cooperatives_are_told_of_every_public_event_and_of_no_other() -> None:
    content = yaml.safe_load((_CONTRACTS / "asyncapi" / "cooperatives.yaml").read_text())
    public = {name for name, model in _EVENTS.items() if model.public}
    assert set(content["components"]["messages"]) == public


def field_names(model: type[EventData]) -> set[str]:
    """As the model calls them and as they travel."""
    return {name.lower() for name in (*model.model_fields, *schema(model.event_type())["properties"])}


def references(node: object, *, within: str = "") -> list[str]:
    """Every `$ref` outside of the payloads' own schemas."""
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str) and within != "payload":
            return [node["$ref"]]
        return [
            found
            for key, value in node.items()
            if key != "payload"
            for found in references(value, within=key)
        ]
    if isinstance(node, list):
        return [found for value in node for found in references(value)]
    return []
