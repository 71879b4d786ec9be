"""What somebody who has taken over one container can do with it."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from tests.support.containers import addresses, service_of
from tests.support.stack import PROCESSES, Stack

RPC = ("identity-grpc", "catalogue-grpc", "vouchers-grpc", "notifications-grpc")
MAY_LEAVE = {"notifications-grpc", "notifications-deliver"}
SERVERS = {"postgres:5432", "rabbitmq:5672", "rabbitmq:15672"}


def reached(process: str) -> set[str]:
    """What a process may open a connection to."""
    service, _, kind = process.partition("-")
    own = f"{service}-grpc:50051"
    return {
        "": {f"{each}:50051" for each in RPC},  # the gateway
        "grpc": {"postgres:5432", *(f"{each}:50051" for each in RPC)},
        "worker": SERVERS | {own},
        "relay": SERVERS | {own},
        "deliver": {"postgres:5432", own},
    }[kind] | ({"mail:25"} if process in MAY_LEAVE else set())


@pytest.mark.parametrize("process", PROCESSES)
def test_a_process_is_nobody_and_can_write_nothing(stack: Stack, process: str) -> None:
    inside = stack.python(stack.container(process), "process")
    assert 0 not in inside["users"]
    assert inside["capabilities"] == []
    assert inside["no_new_privileges"]
    assert inside["written"] == ["/tmp"]  # noqa: S108  # not a file: the answer


def test_a_process_gets_only_the_secrets_that_it_uses(stack: Stack) -> None:
    held = {each: stack.python(stack.container(each), "process")["secrets"] for each in PROCESSES}
    everywhere = {name for names in held.values() for name in names}
    assert not everywhere & {"postgres-admin", "rabbitmq-admin", "rabbitmq-admin.conf", "accounts.json"}
    assert held["gateway"] == ["jwks.json"]
    for process, names in held.items():
        service, kind = process.split("-") if process != "gateway" else ("gateway", "gateway")
        if kind == "relay":
            assert names == ["amqp_url", "database_url"]
        foreign = {"identity", "catalogue", "vouchers", "notifications"} - {service}
        assert not [name for name in names if name.split("-")[0] in foreign], process
    assert {process for process, names in held.items() if "signing-key.pem" in names} <= {
        "identity-grpc",
        "identity-worker",
    }


@pytest.mark.parametrize("process", PROCESSES)
def test_a_process_reaches_its_own_zone_and_no_other(stack: Stack, process: str) -> None:
    """By every address that the other has, in whatever network: names are found in a shared one only."""
    ports = {**dict.fromkeys(RPC, (50051,)), "postgres": (5432,), "rabbitmq": (5672, 15672), "mail": (25,)}
    named: dict[str, str] = {}
    for service, numbers in ports.items():
        for address in addresses(stack.container(service)):
            named |= {f"{address}:{port}": f"{service}:{port}" for port in numbers}
    found = stack.python(stack.container(process), "connections", *named)
    assert {named[target] for target in found} == reached(process)


def test_only_what_delivers_has_a_way_to_the_internet(stack: Stack) -> None:
    networks = {
        network.name: network.attrs
        for network in stack.client.networks.list(
            filters={"label": f"com.docker.compose.project={stack.project}"}
        )
    }

    def leads_out(names: Iterable[str]) -> bool:
        return any(
            not networks[name]["Internal"]
            and networks[name]["Options"].get("com.docker.network.bridge.enable_ip_masquerade") != "false"
            for name in names
        )

    leaving = {
        service_of(each)
        for each in stack.containers()
        if leads_out(each.attrs["NetworkSettings"]["Networks"])
    }
    assert leaving == MAY_LEAVE | {"mail"}


@pytest.mark.parametrize("service", ["identity", "catalogue", "vouchers", "notifications"])
def test_a_service_has_its_own_database_and_nothing_else_of_the_server(stack: Stack, service: str) -> None:
    answers = stack.python(stack.container(f"{service}-grpc"), "databases")
    assert answers.pop("own") is None
    assert [what for what, refusal in answers.items() if refusal is None] == []
    for statement, refusal in answers.items():
        assert refusal == "42501" or "permission denied" in refusal, f"{statement}: {refusal}"


@pytest.mark.parametrize("service", ["identity", "catalogue", "vouchers", "notifications"])
def test_a_service_publishes_as_itself_and_reads_its_own_queue(stack: Stack, service: str) -> None:
    answers = stack.python(stack.container(f"{service}-relay"), "broker")
    assert {what: code for what, code in answers.items() if code != 403} == {}
