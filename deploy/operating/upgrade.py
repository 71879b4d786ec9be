"""`upgrade`: another version of everything, without one request that fails."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from deploy.operating.backups import store
from deploy.operating.installation import Installation, OperationError
from deploy.operating.terminal import Session, failing, session_of
from deploy.operating.upgrade_checks import amiss, backup_amiss
from deploy.operating.upgrade_plan import Layout
from deploy.operating.upgrade_steps import Step, Upgrade, layout_of
from deploy.operating.upgrade_version import VARIABLE, set_elsewhere, write_version

_BUILD_SECONDS = 3600


def upgrade(
    context: typer.Context,
    version: Annotated[str, typer.Argument(help="To come; with --back, to return to.")] = "",
    *,
    back: Annotated[
        bool, typer.Option("--back", help="Take back an upgrade that has not contracted databases.")
    ] = False,
    hold: Annotated[
        bool, typer.Option("--hold", help="End before databases contract: until then there is a way back.")
    ] = False,
    plan: Annotated[bool, typer.Option("--plan", help="Say what would be done, and do nothing.")] = False,
    build: Annotated[bool, typer.Option("--build", help="Build the images from this checkout.")] = False,
    allow_gap: Annotated[
        bool, typer.Option("--allow-gap", help="Without the proxy: refuse connections for some seconds.")
    ] = False,
    backup_within: Annotated[
        float | None, typer.Option(min=0, metavar="HOURS", help="Only after a backup as young as that.")
    ] = None,
    backups: Annotated[
        Path, typer.Option(envvar="AMBITO_BACKUPS", help="The directory in which backups are kept.")
    ] = store.DEFAULT,
) -> None:
    """Bring everything to another version while it works: expand databases, roll, contract.

    Run again after a failure, it goes on where it ended.
    """
    session = session_of(context)
    with failing(), session.replacing() as installation:
        now = layout_of(installation)
        if not version and not back:
            raise OperationError("which VERSION is to come?")
        if version == now.version and not back:
            raise OperationError(
                f"{version} is in force; under the same name, nothing would be left to return to"
            )
        then = layout_of(installation, version or now.version)
        if build and not plan:
            environment = {VARIABLE: then.version}
            arguments = ("--profile", "tools", "build", "--quiet")
            installation.compose(*arguments, environment=environment, timeout_seconds=_BUILD_SECONDS)
        work = Upgrade(installation, then)
        steps = work.back() if back else work.forth(hold=hold)
        hindrances = amiss(installation, now, then, back=back, allow_gap=allow_gap)
        if backup_within is not None:
            hindrances += backup_amiss(backups, timedelta(hours=backup_within))
        if plan:
            _show_plan(session, now, then, steps, hindrances)
            return
        if hindrances:
            raise OperationError("\n".join(hindrances))
        seconds = _carry_out(session, installation, then, steps)
        said = _in_force(installation, now, then, held=hold)
        session.terminal.say(said)
        session.terminal.document(
            _document(now, then, "held" if hold and not back else "done")
            | {"steps": seconds, "said": said, "processes": _versions(installation, then)}
        )


def _carry_out(
    session: Session, installation: Installation, then: Layout, steps: Sequence[Step]
) -> list[dict[str, Any]]:
    """How long each took. OperationError with what runs where if one fails."""
    done: list[dict[str, Any]] = []
    with session.terminal.progress() as progress:
        task = progress.add_task(then.version, total=len(steps))
        for step in steps:
            progress.update(task, description=step.what)
            began = time.monotonic()
            try:
                step.do()
            except OperationError as error:
                raise OperationError(_how_it_is(installation, then, step, error)) from error
            done.append({"step": step.what, "seconds": round(time.monotonic() - began, 1)})
            progress.advance(task)
    return done


def _how_it_is(installation: Installation, then: Layout, step: Step, error: OperationError) -> str:
    processes = _versions(installation, then)
    there = [name for name, versions in processes.items() if versions == [then.version]]
    elsewhere = [
        f"{name} ({', '.join(versions)})" for name, versions in processes.items() if name not in there
    ]
    return (
        f"{step.what}: {error}\n\n"
        f"It works, in part as before. At {then.version}: {', '.join(there) or 'nothing'}. "
        f"Not: {', '.join(elsewhere) or 'nothing'}.\n"
        f"`upgrade {then.version}` goes on, `upgrade --back` returns, as long as no database is contracted. "
        "Until then no `docker compose up`: it would replace all at once."
    )


def _versions(installation: Installation, then: Layout) -> dict[str, list[str]]:
    """The versions in which each process runs."""
    return {
        process.name: sorted({
            str(each.attrs["Config"]["Image"]).rpartition(":")[2]
            for each in installation.containers(process.name)
        })
        for process in then.processes
    }  # fmt: skip


def _in_force(installation: Installation, now: Layout, then: Layout, *, held: bool) -> str:
    """Make the version the one that later commands bring up; what there is to say about it."""
    if held:
        return (
            f"{then.version} runs, no database is contracted. `upgrade {then.version}` ends it, "
            "`upgrade --back` returns. Until then no `docker compose up`: it would replace all at once."
        )
    if then.version == now.version:
        return f"{then.version} runs, as before."
    if set_elsewhere():
        return f"{then.version} runs. Set {VARIABLE}={then.version} where your environment has another."
    file = installation.directory / ".env"
    write_version(file, then.version)
    return f"{then.version} runs, and {file} says so."


def _show_plan(
    session: Session, now: Layout, then: Layout, steps: Sequence[Step], hindrances: Sequence[str]
) -> None:
    session.terminal.table(
        ["", "step"],
        [(number, step.what) for number, step in enumerate(steps, start=1)],
        title=f"from {now.version} to {then.version}",
    )
    for each in hindrances:
        session.terminal.say(f"In the way: {each}")
    session.terminal.document(
        _document(now, then, "planned")
        | {"steps": [{"step": step.what} for step in steps], "hindrances": list(hindrances)}
    )


def _document(now: Layout, then: Layout, state: str) -> dict[str, Any]:
    return {"from": now.version, "to": then.version, "state": state}
