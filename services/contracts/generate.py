"""Generates everything that is derived from the contracts: `python -m services.contracts.generate [--check]`.

From `proto/` come the gRPC stubs, from the event models the JSON schemas, their examples and the AsyncAPI
documents. The results are committed, so that nobody needs a compiler to read or run them; `--check` fails if
they are stale.
"""

from __future__ import annotations

import filecmp
import re
import shutil
import sys
import tempfile
from importlib.resources import files
from pathlib import Path

from services.contracts.asyncapi import write_event_contracts

_HERE = Path(__file__).parent
_DERIVED = ("generated", "schemas", "asyncapi")


def generate(target: Path) -> None:
    """Writes all derived files below `target`."""
    _write_stubs(target / "generated")
    write_event_contracts(target / "schemas", target / "asyncapi")


def stale_files(target: Path) -> list[str]:
    """Derived files that differ from, or are missing in, the committed ones."""
    stale = []
    for folder in _DERIVED:
        fresh = {path.relative_to(target) for path in (target / folder).rglob("*") if path.is_file()}
        committed = {
            path.relative_to(_HERE)
            for path in (_HERE / folder).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
        stale += [str(path) for path in fresh ^ committed]
        stale += [
            str(path)
            for path in fresh & committed
            if not filecmp.cmp(target / path, _HERE / path, shallow=False)
        ]
    return sorted(stale)


def _write_stubs(target: Path) -> None:
    from grpc_tools import protoc  # a tool of development: what runs does not need it

    target.mkdir(parents=True)
    source = _HERE / "proto"
    protos = sorted(str(path) for path in source.rglob("*.proto"))
    includes = [f"-I{source}", f"-I{files('grpc_tools') / '_proto'}"]
    outputs = [f"--python_out={target}", f"--pyi_out={target}", f"--grpc_python_out={target}"]
    if protoc.main(["protoc", *includes, *outputs, *protos]) != 0:
        raise SystemExit("protoc failed")
    for stub in target.rglob("*_pb2_grpc.py"):
        # protoc writes imports from the proto root, which is no package of ours
        absolute = re.compile(r"^from ambito[\w.]* import (\w+) as", flags=re.MULTILINE)
        stub.write_text(absolute.sub(r"from . import \1 as", stub.read_text()))
    for folder in [target, *(path for path in target.rglob("*") if path.is_dir())]:
        (folder / "__init__.py").touch()


def main() -> int:
    with tempfile.TemporaryDirectory() as scratch:
        target = Path(scratch)
        generate(target)
        if "--check" in sys.argv[1:]:
            stale = stale_files(target)
            for path in stale:
                print(f"stale: services/contracts/{path} (run: make contracts)")
            return 1 if stale else 0
        for folder in _DERIVED:
            shutil.rmtree(_HERE / folder, ignore_errors=True)
            shutil.copytree(target / folder, _HERE / folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
