"""The committed OpenAPI document is the one that the gateway serves, and it is valid."""

from __future__ import annotations

import json

from openapi_spec_validator import validate

from gateway.openapi import DOCUMENT, rendered


def test_the_committed_document_is_current() -> None:
    assert DOCUMENT.read_text() == rendered(), "run: make contracts"


def test_the_document_is_valid_openapi() -> None:
    validate(json.loads(DOCUMENT.read_text()))


def test_paths_are_kebab_case_and_nothing_personal_is_in_an_address() -> None:
    paths = json.loads(DOCUMENT.read_text())["paths"]
    for path, operations in paths.items():
        fixed = [part for part in path.split("/") if part and not part.startswith(("{", "."))]
        assert all(part == part.lower() and "_" not in part for part in fixed), path
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                if parameter["in"] in {"query", "path"}:
                    assert "codice" not in parameter["name"], path


def test_numbers_and_instants_have_their_formats() -> None:
    schemas = json.loads(DOCUMENT.read_text())["components"]["schemas"]
    properties = [
        (name, form)
        for schema in schemas.values()
        for name, prop in schema.get("properties", {}).items()
        for form in prop.get("anyOf", [prop])
    ]
    assert all("format" in form for _, form in properties if form.get("type") == "integer")
    instants = [form for name, form in properties if name.endswith("_at") and form["type"] == "string"]
    assert len(instants) > 10
    assert all(form["format"] == "date-time" for form in instants)
