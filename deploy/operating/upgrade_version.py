"""Which version an installation has: what later `docker compose up` bring up."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path
from typing import Final

VARIABLE: Final = "AMBITO_VERSION"
_LINE: Final = re.compile(rf"^\s*(?:export\s+)?{VARIABLE}\s*=.*$", re.MULTILINE)


def write_version(file: Path, version: str) -> None:
    """Set the variable in a `.env` file, which is made if it is missing; all else in it stays."""
    text = file.read_text() if file.exists() else ""
    line = f"{VARIABLE}={version}"
    if _LINE.search(text):
        text = _LINE.sub(line, text)
    else:
        text += f"{'' if not text or text.endswith(chr(10)) else chr(10)}{line}\n"
    with tempfile.NamedTemporaryFile("w", dir=file.parent, prefix=".env-", delete=False) as new:
        new.write(text)
    written = Path(new.name)
    written.chmod(file.stat().st_mode & 0o777 if file.exists() else 0o644)
    written.replace(file)


def set_elsewhere() -> bool:
    """Whether the caller's environment has the variable, which then has the last word over the file."""
    return VARIABLE in os.environ
