"""One-shot commands of the services: migrations, topology, data."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from deploy.local.layout import ROOT
from deploy.local.programs import StartError


@dataclass(frozen=True)
class Command:
    """`python -m <module> <arguments>`, run from the project's root with this environment."""

    module: str
    arguments: Sequence[str]
    environment: Mapping[str, str]

    def run(self, timeout_seconds: float = 300) -> None:
        """Run to the end. Raises StartError with the last lines when it fails."""
        shown = " ".join(["python -m", self.module, *self.arguments])
        try:
            done = subprocess.run(
                [sys.executable, "-m", self.module, *self.arguments],
                cwd=ROOT,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=timeout_seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise StartError(f"{shown} did not end in {timeout_seconds:.0f} s") from None
        if done.returncode != 0:
            tail = "\n".join(f"    {line}" for line in done.stdout.splitlines()[-20:])
            raise StartError(f"{shown} failed with status {done.returncode}:\n{tail}")


def run_together(commands: Sequence[Command]) -> None:
    """Run commands that do not depend on each other at once; raises the first one's StartError."""
    with ThreadPoolExecutor(max_workers=len(commands)) as pool:
        for future in [pool.submit(command.run) for command in commands]:
            future.result()
