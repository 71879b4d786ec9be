"""Where an installation keeps its things, its ports, and servers that it is given."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.layout import Given, GivenBroker, Layout
from deploy.local.programs import StartError
from deploy.local.secrets import Secrets
from deploy.local.servers import Servers
from deploy.local.state import Ports


def test_ports_are_kept_between_commands(tmp_path: Path) -> None:
    file = tmp_path / "instance.json"
    first = Ports(file)
    chosen = {name: first[name] for name in ("amqp", "postgres", "identity-grpc")}
    again = Ports(file)
    assert {name: again[name] for name in chosen} == chosen
    assert len(set(chosen.values())) == 3


def test_a_port_that_somebody_else_has_taken_is_chosen_anew_and_said_so(tmp_path: Path) -> None:
    ports = Ports(tmp_path / "instance.json")
    wanted, kept = ports["gateway"], ports["amqp"]
    with socket.create_server(("127.0.0.1", wanted)):
        (sentence,) = ports.renew_taken()
        assert str(wanted) in sentence
        assert "gateway" in sentence
        assert ports["gateway"] > wanted
    assert ports["amqp"] == kept
    assert Ports(tmp_path / "instance.json")["gateway"] == ports["gateway"]


def test_two_commands_on_one_installation_do_not_meet(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    with layout.lock(), pytest.raises(StartError, match="another command is at work"), layout.lock():
        pytest.fail("both got the lock")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs servers as somebody else")
def test_servers_go_elsewhere_when_their_user_cannot_reach_the_directory(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    layout = Layout(closed / "var")
    home = layout.server_home("postgres", "postgres")
    assert home == layout.system_place / "postgres"
    assert (layout.var / "postgres").resolve() == home
    closed.chmod(0o755)
    assert layout.server_home("postgres", "postgres") == home  # where data lie, they stay
    layout.remove()
    assert not home.exists()
    assert not layout.var.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs servers as somebody else")
def test_servers_stay_where_their_data_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layout = Layout(tmp_path)
    layout.server_home("postgres", None).mkdir()
    monkeypatch.setattr("deploy.local.layout._can_enter", lambda _user, _directory: False)
    assert layout.server_home("postgres", "postgres") == tmp_path / "postgres"


def test_given_servers_are_used_instead_of_private_ones() -> None:
    given = Given.from_environment(
        {
            "DATABASE_URL_VOUCHERS": "postgresql://u:p@db.example:5432/vouchers",
            "AMQP_URL": "amqp://u:p@mq.example/ambito",
            "AMQP_MANAGEMENT_URL": "http://a:b@mq.example:15672",
        }
    )
    assert given.database_urls == {"vouchers": "postgresql+psycopg://u:p@db.example:5432/vouchers"}
    assert given.needs_postgres  # for the three others
    assert given.broker == GivenBroker("amqp://u:p@mq.example/ambito", "http://a:b@mq.example:15672")


def test_a_private_postgresql_is_as_large_as_wanted(tmp_path: Path) -> None:
    given = Given.from_environment({"POSTGRES_SHARED_BUFFERS": "4GB"})
    server = Servers(Layout(tmp_path), Ports(tmp_path / "instance.json"), Secrets(tmp_path), given).postgres
    assert server is not None
    assert server.shared_buffers == "4GB"
    for wrong in ("", "4", "4 GB", "much", "0MB", "4GB'"):
        with pytest.raises(StartError, match="POSTGRES_SHARED_BUFFERS"):
            Given.from_environment({"POSTGRES_SHARED_BUFFERS": wrong})


@pytest.mark.parametrize("name", ["POSTGRES_SHARED_BUFFERS", "AMQP_URL"])
def test_what_the_environment_says_wrongly_is_named_in_a_line(tmp_path: Path, name: str) -> None:
    command = [sys.executable, "-m", "deploy.local", "--var", str(tmp_path), "up"]
    ended = subprocess.run(
        command, env=os.environ | {name: "much"}, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("\nFAILED: ")
    assert name in ended.stderr


def test_a_broker_without_its_management_is_refused() -> None:
    with pytest.raises(StartError, match="AMQP_MANAGEMENT_URL"):
        Given.from_environment({"AMQP_URL": "amqp://u:p@mq.example/ambito"})
