"""The command `doctor`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

import typer

from deploy.operating.doctor import (
    checks_of_exposure,
    checks_of_machine,
    checks_of_processes,
    checks_of_secrets,
    checks_of_servers,
)
from deploy.operating.doctor.findings import CHECKS, Finding, Weight, examine
from deploy.operating.doctor.gathering import gather
from deploy.operating.terminal import Exit, Terminal, failing, session_of

MODULES: Final = (
    checks_of_processes,
    checks_of_servers,
    checks_of_secrets,
    checks_of_exposure,
    checks_of_machine,
)
"""Where checks are; to import them is to put them into the register."""


def doctor(context: typer.Context) -> None:
    """Find the usual misconfigurations: what is wrong, why it matters, what to do.

    Changes nothing. Ends with 1 if there is a problem; advice alone ends with 0.
    """
    session = session_of(context)
    with failing():
        findings = list(examine(gather(session.installation())))
    problems = [each for each in findings if each.weight is Weight.PROBLEM]
    for each in sorted(findings, key=lambda each: each.weight is Weight.ADVICE):
        _tell(session.terminal, each)
    advice = len(findings) - len(problems)
    session.terminal.say(f"{len(CHECKS)} checks: {len(problems)} problems, {advice} pieces of advice.")
    session.terminal.document({
        "well": not problems, "checks": list(CHECKS), "findings": [asdict(each) for each in findings],
    })  # fmt: skip
    if problems:
        raise typer.Exit(Exit.FOUND)


def _tell(terminal: Terminal, found: Finding) -> None:
    mark = "[red]✗[/]" if found.weight is Weight.PROBLEM else "[yellow]![/]"
    terminal.say(f"{mark} [bold]{terminal.plain(found.wrong)}[/]")
    terminal.say(f"  why: {terminal.plain(found.why)}")
    terminal.say(f"  do:  {terminal.plain(found.cure)}\n")
