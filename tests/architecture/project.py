"""The project's own files and packages."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
SHARED = {"chassis", "contracts"}


def service_names() -> list[str]:
    """The services, by what stands in services/."""
    folders = (ROOT / "services").iterdir()
    return sorted(
        path.name for path in folders if (path / "__main__.py").exists() and path.name not in SHARED
    )


def modules(*folders: str) -> list[Path]:
    """Our own Python files below the folders, nothing generated."""
    return sorted(
        path
        for folder in folders
        for path in (ROOT / folder).rglob("*.py")
        if not {"generated", "__pycache__", "node_modules"} & set(path.parts)
    )


def imports(file: Path) -> Iterator[str]:
    """Full names of the modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module
