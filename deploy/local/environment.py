"""The environment of each process: everything a service is told, in one place."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.local.programs import base_environment
from deploy.local.secrets import SIGNING_KEY_ID, Secrets
from deploy.local.state import Ports

SERVICES = ("identity", "catalogue", "vouchers", "notifications")


@dataclass(frozen=True)
class Endpoints:
    """Where the services find what they keep state in."""

    database_urls: Mapping[str, str]  # service → SQLAlchemy URL
    amqp_urls: Mapping[str, str]  # service → URL of its own broker user


def service(name: str, process: str, endpoints: Endpoints, ports: Ports, secrets: Secrets) -> dict[str, str]:
    """The environment of one process of a service; also of its one-shot commands (`process="cli"`)."""
    common = base_environment() | {
        "DATABASE_URL": endpoints.database_urls[name],
        "AMQP_URL": endpoints.amqp_urls[name],
        "GRPC_BIND": _address(ports, f"{name}-grpc"),
        "OPS_BIND": _address(ports, f"{name}-{process}-ops") if process != "cli" else "127.0.0.1:0",
        "JWKS_FILE": str(secrets.jwks()),
    }
    own: dict[str, str] = {}
    if name == "identity":
        own = {
            "SIGNING_KEY_FILE": str(secrets.signing_key()),
            "SIGNING_KEY_ID": SIGNING_KEY_ID,
            "DATA_KEYS_FILE": str(secrets.key_ring("identity-data-keys")),
            "BLIND_INDEX_KEY_FILE": str(secrets.key("identity-blind-index-key")),
            "EVENT_DATA_KEY_FILE": str(secrets.key_ring("event-data-keys")),
        }
    elif name == "catalogue":
        own = {
            "VOUCHERS_TARGET": _address(ports, "vouchers-grpc"),
            "DELIVERY_CODE_KEY_FILE": str(secrets.key("catalogue-delivery-code-key")),
            "DATA_KEYS_FILE": str(secrets.key_ring("catalogue-data-keys")),
            # The demo proves next week's visit today.
            "DELIVERY_EARLIEST_BEFORE_START_MINUTES": str(60 * 24 * 60),
        }
    elif name == "vouchers":
        own = {"DATA_KEYS_FILE": str(secrets.key_ring("vouchers-data-keys"))}
    elif name == "notifications":
        own = {
            "EVENT_DATA_KEY_FILE": str(secrets.key_ring("event-data-keys")),
            "DATA_KEYS_FILE": str(secrets.key_ring("notifications-data-keys")),
            "SMTP_URL": f"smtp://{_address(ports, 'mail')}",
            "PORTAL_URL": f"http://{_address(ports, 'gateway')}",
            # Receivers on this machine are private addresses, which are refused otherwise.
            "WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",
        }
    return common | own


def gateway(ports: Ports, secrets: Secrets) -> dict[str, str]:
    """The environment of the gateway."""
    targets = {f"{name.upper()}_TARGET": _address(ports, f"{name}-grpc") for name in SERVICES}
    return (
        base_environment()
        | targets
        | {
            "GATEWAY_BIND": _address(ports, "gateway"),
            "OPS_BIND": _address(ports, "gateway-ops"),
            "JWKS_FILE": str(secrets.jwks()),
            # All clients of one machine have one address.
            "REQUESTS_PER_MINUTE": "1000000",
        }
    )


def mail_directory(var: Path) -> Path:
    """The Maildir in which the local mail sink puts every message."""
    return var / "mail"


def _address(ports: Ports, name: str) -> str:
    return f"127.0.0.1:{ports[name]}"
