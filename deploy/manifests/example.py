"""deploy/kubernetes/overlays/example: what an installation says for itself; to be copied."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from deploy.manifests.parts import Part, secret_files
from deploy.manifests.workloads import SECRETS

_NAME, _HOST = "ambito", "portale.example.it"
NAMESPACE: Final[dict[str, Any]] = {
    "apiVersion": "v1",
    "kind": "Namespace",
    # Servers begin as root to own their data; everything else would also pass for "restricted".
    "metadata": {"name": _NAME, "labels": {"pod-security.kubernetes.io/enforce": "baseline"}},
}
INGRESS: Final[dict[str, Any]] = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "Ingress",
    "metadata": {"name": "gateway"},
    "spec": {
        "tls": [{"hosts": [_HOST], "secretName": "tls"}],
        "rules": [
            {
                "host": _HOST,
                "http": {
                    "paths": [
                        {
                            "path": "/",
                            "pathType": "Prefix",
                            "backend": {"service": {"name": "gateway", "port": {"name": "http"}}},
                        }
                    ]
                },
            }
        ],
    },
}


def overlay(parts: Iterable[Part]) -> dict[str, Any]:
    """Secrets from the files beside it, images from a registry, the addresses by which it is known."""
    chosen = list(parts)
    images = sorted({part.image.partition("/")[2].partition(":")[0] for part in chosen if part.ours})
    return {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": _NAME,
        "resources": ["namespace.yaml", "../../base", "../../servers", "ingress.yaml"],
        "secretGenerator": [
            {
                "name": SECRETS,
                "files": [f"{name}=secrets/{file}" for name, file in secret_files(chosen).items()],
            },
            {"name": "tls", "type": "kubernetes.io/tls", "files": ["secrets/tls.crt", "secrets/tls.key"]},
        ],
        "images": [
            {"name": f"ambito/{image}", "newName": f"registry.example.it/ambito/{image}", "newTag": "1.0"}
            for image in images
        ],
        "patches": [
            _environment("gateway", TRUSTED_PROXIES="*"),
            *(
                _environment(f"notifications-{process}", PORTAL_URL=f"https://{_HOST}")
                for process in ("grpc", "worker", "deliver")
            ),
        ],
    }


def _environment(deployment: str, **variables: str) -> dict[str, Any]:
    env = "".join(f"\n            - {{name: {name}, value: '{value}'}}" for name, value in variables.items())
    patch = (
        f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {deployment}}}\n"
        "spec:\n  template:\n    spec:\n      containers:\n"
        f"        - name: {deployment}\n          env:{env}\n"
    )
    return {"patch": patch}
