"""The processes of the application, and how each says that it is ready."""

import hashlib
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import grpc
import httpx
from grpc_health.v1 import health_pb2, health_pb2_grpc

from deploy.local import environment
from deploy.local.environment import SERVICES, Endpoints
from deploy.local.layout import ROOT, Layout
from deploy.local.leftovers import MARK
from deploy.local.programs import Program, base_environment
from deploy.local.secrets import Secrets
from deploy.local.state import Ports

Probe = Callable[[], str | None]
"""None when ready, else why not yet, in a few words."""
Adjust = Callable[[str, dict[str, str]], dict[str, str]]
"""From a program's name and its environment to the environment that it gets."""

COMMON_PROCESSES = ("grpc", "worker", "relay")
FURTHER_PROCESSES = {"notifications": ("deliver",)}


@dataclass(frozen=True)
class Member:
    """A process of the application."""

    program: Program
    probe: Probe


def unchanged(_name: str, environment: dict[str, str]) -> dict[str, str]:
    """Every program gets the environment that the installation makes for it."""
    return environment


def members(
    layout: Layout,
    endpoints: Endpoints,
    ports: Ports,
    secrets: Secrets,
    version: str,
    *,
    adjust: Adjust = unchanged,
) -> list[Member]:
    """Every process above the servers, in the order in which they are started.

    `version`: of the code; it stands in their environments, so that a new version replaces running processes.
    `adjust` has the last word on the environments of services and gateway.
    """
    found = [_mail_sink(layout, ports, {MARK: str(layout.var)})]
    marks = {MARK: str(layout.var), "AMBITO_VERSION": version}
    for name in SERVICES:
        for process in COMMON_PROCESSES + FURTHER_PROCESSES.get(name, ()):
            variables = environment.service(name, process, endpoints, ports, secrets) | marks
            variables = adjust(f"{name}-{process}", variables)
            probes = [_answers(f"http://127.0.0.1:{ports[f'{name}-{process}-ops']}/health")]
            if process == "grpc":
                probes.append(_serves(variables["GRPC_BIND"]))
            program = _python(f"{name}-{process}", f"services.{name}", process, variables=variables)
            found.append(Member(program, _all(probes)))
    variables = adjust("gateway", environment.gateway(ports, secrets) | marks)
    gateway = _python("gateway", "gateway", variables=variables)
    # Its own operations port first: on the gateway's port another installation might answer.
    urls = (f"http://{variables['OPS_BIND']}/health", f"http://{variables['GATEWAY_BIND']}/status")
    found.append(Member(gateway, _all([_answers(url) for url in urls])))
    return found


def _mail_sink(layout: Layout, ports: Ports, marks: dict[str, str]) -> Member:
    """Takes every message and puts it into a Maildir; nothing leaves the machine."""
    address = f"127.0.0.1:{ports['mail']}"
    handler = ("-c", "aiosmtpd.handlers.Mailbox", str(layout.mail))
    program = _python("mail", "aiosmtpd", "-n", "-l", address, *handler, variables=base_environment() | marks)

    def probe() -> str | None:
        try:
            socket.create_connection(("127.0.0.1", ports["mail"]), timeout=2).close()
        except OSError as error:
            return str(error)
        return None

    return Member(program, probe)


def _python(name: str, module: str, *arguments: str, variables: dict[str, str]) -> Program:
    return Program(
        name=name,
        command=(sys.executable, "-m", module, *arguments),
        directory=ROOT,
        environment=variables | {"PYTHONUNBUFFERED": "1"},
    )


def _answers(url: str) -> Probe:
    def probe() -> str | None:
        try:
            answer = _http().get(url)
        except httpx.HTTPError as error:
            return str(error) or type(error).__name__
        return None if answer.is_success else f"{url} answers {answer.status_code}: {answer.text[:200]}"

    return probe


@cache
def _http() -> httpx.Client:
    """Made once, because making one reads all certificate authorities. Every probe connects anew."""
    return httpx.Client(timeout=5, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))


def _serves(address: str) -> Probe:
    def probe() -> str | None:
        with grpc.insecure_channel(address) as channel:
            try:
                answer = health_pb2_grpc.HealthStub(channel).Check(
                    health_pb2.HealthCheckRequest(), timeout=5, wait_for_ready=False
                )
            except grpc.RpcError as error:
                return f"gRPC on {address}: {error.code().name}"
        if answer.status == health_pb2.HealthCheckResponse.SERVING:
            return None
        return f"gRPC on {address} is not serving"

    return probe


def _all(probes: list[Probe]) -> Probe:
    return lambda: next((reason for probe in probes if (reason := probe())), None)


def code_version(root: Path = ROOT) -> str:
    """A digest of the code that the processes run; of what npm installed, its lock."""
    digest = hashlib.sha256()
    for folder in ("services", "gateway"):
        for file in sorted((root / folder).rglob("*")):
            if file.is_file() and not {"__pycache__", "node_modules"} & set(file.parts):
                digest.update(f"{file.relative_to(root)}\0".encode())
                digest.update(file.read_bytes())
    for lock in ("service.lock", "gateway.lock"):
        digest.update((root / "requirements" / lock).read_bytes())
    return digest.hexdigest()[:12]
