"""Writes the API's OpenAPI 3.1 document: `python -m gateway.openapi [--check]`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from gateway.app import create_app
from gateway.settings import GatewaySettings

DOCUMENT = Path(__file__).parent / "openapi.json"


def rendered() -> str:
    """The document as it should be committed."""
    return json.dumps(create_app(GatewaySettings()).openapi(), indent=1, ensure_ascii=False) + "\n"


def main() -> int:
    if "--check" not in sys.argv[1:]:
        DOCUMENT.write_text(rendered())
        return 0
    if not DOCUMENT.exists() or DOCUMENT.read_text() != rendered():
        print("stale: gateway/openapi.json (run: make contracts)")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
