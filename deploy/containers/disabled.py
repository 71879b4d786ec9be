"""Cooperatives that the operations team has shut out of the broker: a file among the secrets.

There, because what makes the broker's users reads the secrets, and because it is to stay when databases and
broker are made anew.
"""

from __future__ import annotations

from pathlib import Path

FILE = "disabled-cooperatives"
"""One slug a line."""


def disabled(secrets: Path) -> frozenset[str]:
    """Those that are shut out now."""
    file = secrets / FILE
    return frozenset(file.read_text().split()) if file.exists() else frozenset()


def set_disabled(secrets: Path, slug: str, *, to: bool) -> bool:
    """Shut one out, or let it in; False if that was so already."""
    now = disabled(secrets)
    wanted = now | {slug} if to else now - {slug}
    if wanted == now:
        return False
    new = secrets / f"{FILE}.new"
    new.write_text("".join(f"{each}\n" for each in sorted(wanted)))
    new.chmod(0o444)
    new.replace(secrets / FILE)
    return True
