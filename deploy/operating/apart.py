"""`comune apart | together`: comuni get workers of their own, and give them up again."""

from __future__ import annotations

import json
import time
from typing import Annotated, Final

import typer
from rich.progress import Progress, TaskID

from deploy.broker.apart import SERVICES_APART, Apart, ApartError, Group, checked, write_apart
from deploy.operating.apart_plan import Plan, read_plan
from deploy.operating.installation import Installation, OperationError
from deploy.operating.terminal import failing, session_of
from services.chassis.messaging.topology import Names

_ASK_EVERY_SECONDS: Final = 3.0
_ONE_SHOT: Final = ("run", "--rm", "--no-deps", "-T", "servers")
"""Databases and broker are made what they must be, or asked how they are."""

app = typer.Typer(help="Comuni that are served by workers of their own.", no_args_is_help=True)

Comuni = Annotated[list[str], typer.Argument(help="Belfiore codes.", metavar="COMUNE…")]
Wait = Annotated[float, typer.Option(help="How long the queues may take to be emptied.")]


@app.command()
def apart(context: typer.Context, comuni: Comuni) -> None:
    """Serve these comuni by the workers that the overlay has for them.

    Events that come from now on wait in queues of their own until these workers take them; those that have
    come before stay where they are. Nothing is lost or doubled, and it may be repeated.
    """
    session = session_of(context)
    with failing():
        installation = session.installation()
        plan = read_plan(installation)
        group = plan.group_for(comuni)
        workers = plan.workers_of(group)
        with session.terminal.progress() as progress:
            task = progress.add_task("queues of their own", total=2)
            try:
                _apply(installation, plan, plan.apart.with_group(group))
            except ApartError as error:
                raise OperationError(str(error)) from error
            progress.update(task, advance=1, description=f"starting {', '.join(workers)}")
            installation.compose("up", "--detach", "--wait", "--no-deps", *workers)
            progress.update(task, advance=1)
    session.terminal.say(f"{', '.join(group.comuni)}: served apart by {', '.join(workers)}.")
    session.terminal.document({"comuni": group.comuni, "services": group.services, "workers": workers})


@app.command()
def together(context: typer.Context, comune: str, wait_seconds: Wait = 600.0) -> None:
    """Serve the comune, and those with which it is apart, by everybody's workers again.

    Their own workers finish what waits for them, are stopped, and their empty queues deleted. If that cannot
    be, everything stays as it is, nothing is lost, and the command may be repeated.
    """
    session = session_of(context)
    with failing():
        installation = session.installation()
        plan = read_plan(installation)
        group = plan.apart.group_of(comune) or plan.group_by_workers(comune)
        workers = plan.workers_of(group)
        with session.terminal.progress() as progress:
            task = progress.add_task("shared queues", total=3)
            _apply(installation, plan, plan.apart.without(group))
            progress.update(task, advance=1, description="what still waits")
            installation.compose("up", "--detach", "--no-recreate", "--no-deps", *workers)
            _wait_until_empty(installation, group, wait_seconds, progress, task)
            progress.update(task, advance=1, description=f"stopping {', '.join(workers)}")
            installation.compose("rm", "--stop", "--force", *workers)
            installation.compose(*_ONE_SHOT)
            if left := _left(installation, group):
                raise OperationError(f"not deleted, because not empty: {', '.join(left)}. Repeat the command")
            progress.update(task, advance=1)
    session.terminal.say(
        f"{', '.join(group.comuni)}: served with all others. Take {', '.join(workers)} out of the overlay, "
        "or the next `up` starts what has no queue."
    )
    session.terminal.document({"comuni": group.comuni, "services": group.services, "stopped": workers})


def _apply(installation: Installation, plan: Plan, wanted: Apart) -> None:
    """Write the file and have the broker made so; if that fails, the file is as before."""
    write_apart(plan.file, checked(wanted, plan.territory))
    try:
        installation.compose(*_ONE_SHOT)
    except OperationError:
        write_apart(plan.file, plan.apart)
        raise


def _wait_until_empty(
    installation: Installation, group: Group, wait_seconds: float, progress: Progress, task: TaskID
) -> None:
    """Counts are some seconds old: hence empty twice."""
    deadline = time.monotonic() + wait_seconds
    empty = 0
    while empty < 2:
        left = _left(installation, group)
        empty = empty + 1 if all(count == 0 for count in left.values()) else 0
        waiting = sum(count or 0 for count in left.values())
        progress.update(task, description=f"what still waits ({waiting})")
        if time.monotonic() > deadline:
            said = ", ".join(f"{count} in {queue}" for queue, count in left.items())
            raise OperationError(
                f"still there after {wait_seconds:.0f} s: {said}. Nothing is lost and nothing more comes; "
                "see whether the workers are well, and repeat the command"
            )
        if empty < 2:
            time.sleep(_ASK_EVERY_SECONDS)


def _left(installation: Installation, group: Group) -> dict[str, int | None]:
    """The group's queues that are there although it is apart no more, and how many messages they have; None
    while the broker has not counted them.
    """
    queues = {Names(service, group.partition).queue for service in SERVICES_APART}
    found = json.loads(installation.compose(*_ONE_SHOT, "former"))
    return {each["queue"]: each["messages"] for each in found if each["queue"] in queues}
