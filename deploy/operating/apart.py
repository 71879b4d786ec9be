"""`comune apart | together`: comuni get workers of their own, and give them up again."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Final

import typer

from deploy.broker.apart import SERVICES_APART, Apart, ApartError, Group, checked, write_apart
from deploy.broker.former import Former
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
    with failing(), session.replacing() as installation:
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
    with failing(), session.replacing() as installation:
        plan = read_plan(installation)
        group = plan.apart.group_of(comune) or plan.group_by_workers(comune)
        workers = plan.workers_of(group)
        with session.terminal.progress() as progress:
            task = progress.add_task("shared queues", total=4)
            _apply(installation, plan, plan.apart.without(group))
            waiting = _Waiting(installation, group, time.monotonic() + wait_seconds)
            progress.update(task, advance=1, description="what still waits")
            installation.compose("up", "--detach", "--no-recreate", "--no-deps", *workers)
            waiting.until(lambda queue: queue.messages == 0, times=2)
            progress.update(task, advance=1, description=f"stopping {', '.join(workers)}")
            installation.compose("rm", "--stop", "--force", *workers)
            progress.update(task, advance=1, description="deleting their queues")
            waiting.until(lambda queue: queue.is_over)
            installation.compose(*_ONE_SHOT)
            waiting.until_gone()
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


@dataclass(frozen=True, slots=True)
class _Waiting:
    """For the queues of a group that is apart no more, as far as there are any."""

    installation: Installation
    group: Group
    deadline: float

    def until(self, all_are: Callable[[Former], bool], *, times: int = 1) -> None:
        """Until all that are there are so, seen one after the other `times`: the broker's counts are some
        seconds old. OperationError at the deadline.
        """
        seen = 0
        while True:
            left = self._left()
            seen = seen + 1 if all(map(all_are, left)) else 0
            if seen == times:
                return
            if time.monotonic() > self.deadline:
                said = ", ".join(
                    f"{queue.queue} ({queue.messages} messages, {queue.consumers} workers)" for queue in left
                )
                raise OperationError(
                    f"still there: {said}. Nothing is lost and nothing more comes; "
                    "see whether the workers are well, and repeat the command"
                )
            time.sleep(_ASK_EVERY_SECONDS)

    def until_gone(self) -> None:
        """Until there is none of them."""
        self.until(lambda _: False)

    def _left(self) -> list[Former]:
        queues = {Names(service, self.group.partition).queue for service in SERVICES_APART}
        found = (Former(**each) for each in json.loads(self.installation.compose(*_ONE_SHOT, "former")))
        return [each for each in found if each.queue in queues]
