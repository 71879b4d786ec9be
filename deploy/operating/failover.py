"""`failover` and `replica`: a PostgreSQL server of compose.cluster.yaml is lost, or follows again."""

from __future__ import annotations

from typing import Annotated

import typer

from deploy.operating.databases import Pair, Server
from deploy.operating.installation import OperationError
from deploy.operating.terminal import failing, session_of


def failover(
    context: typer.Context,
    accept_loss: Annotated[
        bool, typer.Option("--accept-loss", help="Go on although what only the old primary has is lost.")
    ] = False,
) -> None:
    """Make the standby the primary; the other server is stopped first.

    A primary that still answers ends in order. Nothing that both acknowledged is lost; where the primary
    acknowledged alone, or its disk does not tell, this asks for `--accept-loss`.
    """
    session = session_of(context)
    with failing():
        pair = Pair.of(session.installation())
        standby = pair.standby()
        old = pair.other(standby)
        known = old.acknowledges_on_both()
        if not known and not accept_loss:
            raise OperationError(
                f"{old.name} {'does not tell' if known is None else 'acknowledged alone'}: what it has and "
                f"{standby.name} has not would be lost. Start it again if that can be done (`docker start "
                f"{old.container.name}`); if its disk is gone, --accept-loss."
            )
        session.terminal.say(f"{old.name}: stopping")
        old.fence()
        position = standby.value("SELECT pg_last_wal_receive_lsn()")
        session.terminal.say(f"{standby.name}: promoting, with all that it received, up to {position}")
        standby.promote()
    lost = "nothing that was acknowledged" if known else "what only the old primary had"
    session.terminal.say(
        f"{standby.name} is the primary. Lost: {lost}. It is on one disk only until "
        f"`python -m deploy replica` has made {old.name} follow it."
    )
    session.terminal.document(
        {"primary": standby.name, "stopped": old.name, "position": position, "lost": lost}
    )


def replica(
    context: typer.Context,
    anew: Annotated[
        bool, typer.Option("--anew", help="Delete what it has and copy the primary, if that must be.")
    ] = False,
    alone: Annotated[
        bool, typer.Option("--alone", help="Instead, let the primary acknowledge without a standby.")
    ] = False,
) -> None:
    """Make the other server follow the primary; from then on nothing is acknowledged but what both have.

    What it has is used. Where it has parted from the primary, or missed too much, it must copy the primary:
    with `--anew`, as long as that takes.
    """
    session = session_of(context)
    with failing():
        pair = Pair.of(session.installation())
        primary = pair.primary()
        follower = pair.other(primary)
        if alone:
            primary.acknowledge_alone()
            session.terminal.say(f"{primary.name} acknowledges alone: what it has is on one disk only.")
        else:
            _follow(primary, follower, anew=anew)
            session.terminal.say(f"{follower.name} follows {primary.name}; commits are acknowledged by both.")
    session.terminal.document(
        {"primary": primary.name, "standby": None if alone else follower.name, "synchronous": not alone}
    )


def _follow(primary: Server, follower: Server, *, anew: bool) -> None:
    follower.start()
    if not primary.is_followed_soon():
        if not anew:
            raise OperationError(
                f"{follower.name} cannot follow with the data it has; "
                f"to delete them and copy {primary.name}: --anew"
            )
        follower.empty()
        follower.start()
        primary.wait_until_followed()
    primary.acknowledge_on_both()
