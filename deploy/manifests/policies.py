"""The networks of the compose files as NetworkPolicies: pods reach each other where they share one only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from deploy.manifests.workloads import zone_label

FROM_OUTSIDE: Final = {"edge": 8000, "partners": 5672}
"""Networks in which a port is published."""
TO_OUTSIDE: Final = "egress"
_PRIVATE: Final = ("10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16")


def policies(zones: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Nothing is allowed but within a zone, names, and what comes from and leads outside."""
    names = {"to": [{"namespaceSelector": {}}], "ports": [_port("UDP", 53), _port("TCP", 53)]}
    outside = {"to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": list(_PRIVATE)}}]}
    return [
        _policy("nothing", {}, {"policyTypes": ["Ingress", "Egress"]}),
        _policy("names", {}, {"policyTypes": ["Egress"], "egress": [names]}),
        *(_zone(zone) for zone in zones),
        *map(_into, FROM_OUTSIDE),
        _policy("out", _members(TO_OUTSIDE), {"policyTypes": ["Egress"], "egress": [outside]}),
    ]


def _zone(zone: str) -> dict[str, Any]:
    here = {"podSelector": _members(zone)}
    rules = {"policyTypes": ["Ingress", "Egress"], "ingress": [{"from": [here]}], "egress": [{"to": [here]}]}
    return _policy(f"within-{zone}", _members(zone), rules)


def _into(zone: str) -> dict[str, Any]:
    """From anybody outside; the pods here are held back by what they may reach."""
    rule = {"ports": [_port("TCP", FROM_OUTSIDE[zone])]}
    return _policy(f"into-{zone}", _members(zone), {"ingress": [rule]})


def _members(zone: str) -> dict[str, Any]:
    return {"matchLabels": {zone_label(zone): "yes"}}


def _policy(name: str, pods: dict[str, Any], rules: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name},
        "spec": {"podSelector": pods, **({"policyTypes": ["Ingress"]} | rules)},
    }


def _port(protocol: str, port: int) -> dict[str, Any]:
    return {"protocol": protocol, "port": port}
