"""The protos keep to buf's style: versioned packages, a request and a response per RPC, named enum zeros."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

import pytest
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FileDescriptor

_PROTO = Path("services/contracts/proto")
_STREAMED = {"ambito.notifications.v1.FeedService.WatchFeeds"}
_FILES = sorted(path.relative_to(_PROTO) for path in _PROTO.rglob("*.proto"))


def descriptor(path: Path) -> FileDescriptor:
    module = ".".join(("services.contracts.generated", *path.parent.parts, f"{path.stem}_pb2"))
    found: FileDescriptor = import_module(module).DESCRIPTOR
    return found


def snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).upper()


@pytest.mark.parametrize("path", _FILES, ids=str)
class TestStyle:
    def test_the_package_is_the_folder_and_ends_in_its_version(self, path: Path) -> None:
        package = descriptor(path).package
        assert package == ".".join(path.parent.parts)
        assert re.fullmatch(r"ambito\.[a-z]+\.v\d+", package)

    def test_each_rpc_has_a_request_and_a_response_of_its_own(self, path: Path) -> None:
        services = descriptor(path).services_by_name
        assert services
        for service in services.values():
            assert service.name.endswith("Service")
            for method in service.methods:
                assert method.input_type.name == f"{method.name}Request"
                assert method.output_type.name == f"{method.name}Response"
                assert not method.client_streaming
                assert method.server_streaming == (method.full_name in _STREAMED)

    def test_enums_have_an_unspecified_zero_and_prefixed_values(self, path: Path) -> None:
        enums: Mapping[str, EnumDescriptor] = descriptor(path).enum_types_by_name
        for enum in enums.values():
            prefix = snake(enum.name)
            assert enum.values_by_number[0].name == f"{prefix}_UNSPECIFIED"
            assert all(value.name.startswith(f"{prefix}_") for value in enum.values)

    def test_fields_are_snake_case(self, path: Path) -> None:
        messages: Mapping[str, Descriptor] = descriptor(path).message_types_by_name
        for message in messages.values():
            for field in message.fields:
                assert re.fullmatch(r"[a-z]+(_[a-z0-9]+)*", field.name), f"{message.name}.{field.name}"
