"""What each kind of process loads, seen in a fresh interpreter: grpc and eventlet never meet."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from services.chassis.definition import ServiceDefinition, load
from tests.architecture.project import ROOT, service_names

ASKED_FOR = {"alembic", "holidays"}
"""Libraries that take long to load: a process does so when somebody asks for what they are there for."""

PROBE = """
import json, sys
from importlib import import_module
if {patched}:
    from services.chassis import green
    green.patch()
for module in {modules!r}:
    import_module(module)
json.dump(sorted({{name.partition(".")[0] for name in sys.modules}}), sys.stdout)
"""


def loaded(*modules: str, patched: bool = False) -> set[str]:
    """Top-level names in sys.modules after importing `modules` in an interpreter of their own."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROBE.format(modules=modules, patched=patched)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


def module_of(path: str | None) -> list[str]:
    return [] if path is None else [path.partition(":")[0]]


def definition_of(service: str) -> ServiceDefinition:
    definition: ServiceDefinition = load(f"services.{service}.bootstrap:SERVICE")
    return definition


@pytest.mark.parametrize("service", service_names())
def test_a_worker_is_green_and_never_loads_grpc(service: str) -> None:
    definition = definition_of(service)
    modules = ["services.chassis.worker", "services.chassis.tracing_queue"]
    modules += [*module_of(definition.subscriptions), *module_of(definition.jobs)]
    found = loaded(*modules, patched=True)
    assert {"eventlet", "nameko"} <= found
    assert found.isdisjoint({"grpc"} | ASKED_FOR)


@pytest.mark.parametrize("service", service_names())
def test_a_server_never_loads_eventlet_nor_the_broker(service: str) -> None:
    found = loaded("services.chassis.rpc.server", *module_of(definition_of(service).grpc))
    assert "grpc" in found
    assert found.isdisjoint({"eventlet", "nameko", "kombu", "amqp"} | ASKED_FOR)


@pytest.mark.parametrize("service", service_names())
def test_other_processes_load_neither(service: str) -> None:
    definition = definition_of(service)
    assert loaded("services.chassis.messaging.relay").isdisjoint({"grpc", "eventlet", "nameko"} | ASKED_FOR)
    for path in definition.processes.values():
        assert loaded(*module_of(path)).isdisjoint({"grpc", "eventlet", "nameko", "kombu"})
    for path in definition.lone_processes.values():
        assert loaded(*module_of(path)).isdisjoint({"grpc", "eventlet", "nameko"})


@pytest.mark.parametrize("service", service_names())
def test_a_definition_imports_none_of_its_parts(service: str) -> None:
    found = loaded(f"services.{service}.bootstrap")
    assert found.isdisjoint({"grpc", "eventlet", "nameko", "kombu", "sqlalchemy"})


def test_the_gateway_opens_no_database_and_no_broker() -> None:
    found = loaded("gateway.app")
    assert {"fastapi", "grpc"} <= found
    assert found.isdisjoint({"sqlalchemy", "psycopg", "eventlet", "nameko", "kombu", "amqp"})


def test_who_operates_waits_for_no_library_that_the_command_does_not_need() -> None:
    found = loaded("deploy.__main__")
    assert {"typer", "docker"} <= found
    assert found.isdisjoint({"sqlalchemy", "alembic", "cyclonedx", "grpc", "nameko"})


@pytest.mark.parametrize("module", ["services.chassis.logs", "services.contracts.access"])
def test_importing_writes_nothing(module: str, tmp_path: Path) -> None:
    code = f"import {module}"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
