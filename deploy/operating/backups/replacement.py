"""Putting a backup's databases in the place of those that are there, so that a half of them never runs.

The new ones are unpacked, verified, started, compared and prepared aside, in the same volume, while the old
ones may still run; then a few renames put them in their place. PostgreSQL does not start without `global`,
which goes first and comes last. Whatever ends it in between, doing it again finishes it.
"""

from __future__ import annotations

import time
from datetime import datetime
from typing import Final

from deploy.broker.topology import SERVICES
from deploy.operating.backups import copies
from deploy.operating.backups.helpers import DATA, PASSWORD, Helper, Server

# Base backups pass over what is named so: what is left of an interrupted restore gets into none.
NEW: Final = f"{DATA}/pgsql_tmp_restoring"
OLD: Final = f"{DATA}/pgsql_tmp_replaced"
_EPOCHS_SINCE: Final = 1_577_836_800  # 2020; an epoch has 32 bits

# As `outbox again` of each service does.
_AGAIN: Final = """
WITH again AS (
    UPDATE outbox SET published_at = NULL, attempts = 0, next_attempt_at = now()
    WHERE published_at >= '{since}' RETURNING 1)
SELECT count(*) FROM again
"""
# Acknowledged alone, until a standby follows: the next start of `servers` sees to that.
_OWN: Final = f"""
\\set password `cat {PASSWORD}`
ALTER ROLE :"USER" PASSWORD :'password';
ALTER SYSTEM RESET synchronous_standby_names
"""
_CLEAN: Final = """
cd "$1"; new=$2 old=$3
if [[ -e global/pg_control ]]; then rm -rf "$old"; fi  # what is there is complete: nothing was going on
rm -rf "$new"
"""
_SWAP: Final = """
cd "$1"; new=$2 old=$3
[[ -e $new/global/pg_control ]]
mkdir -p "$old"
# What the old ones have by the same name already was put there by an interrupted one.
out() { if [[ -e $old/$1 ]]; then rm -rf -- "$1"; else mv -- "$1" "$old/"; fi; }
if [[ -e global ]]; then out global; fi
for each in $(ls -A); do
    if [[ $each != "${new##*/}" && $each != "${old##*/}" ]]; then out "$each"; fi
done
chown postgres:postgres .
chmod 700 .
for each in $(ls -A "$new"); do
    if [[ $each != global ]]; then mv -- "$new/$each" .; fi
done
sync
mv -- "$new/global" .
sync
rmdir "$new"
"""


def prepare(helper: Helper, since: datetime) -> dict[str, int]:
    """Make a copy that runs at NEW ready for use here, and end its server: this installation's password of
    the superuser; every event published at `since` or later is to be published again, how many by service;
    and transaction ids that nobody has seen.

    Ids order the feed. Those that were given out after the backup would come again, and a cooperative that
    had read so far would miss what they are given to now. The epoch is the upper half of an id; by the clock
    it is greater than at any restore before.
    """
    helper.sql("postgres", _OWN)
    again = {
        service: int(helper.sql(service, _AGAIN.format(since=since.isoformat()))) for service in SERVICES
    }
    copies.stop(helper, NEW)
    epoch = int(time.time()) - _EPOCHS_SINCE
    helper.run("pg_resetwal", f"--epoch={epoch}", NEW, user="postgres")
    helper.run("sync")
    return again


def clean(server: Server, volume: str) -> None:
    """Remove what an interrupted restore left, but for the databases that it had begun to move away."""
    with server.helper({volume: DATA}) as helper:
        helper.script(_CLEAN, DATA, NEW, OLD)


def swap(server: Server, volume: str) -> None:
    """Move away what is in the volume, to OLD, and what is at NEW into its place; no server may run on it."""
    with server.helper({volume: DATA}) as helper:
        helper.script(_SWAP, DATA, NEW, OLD)


def forget(server: Server, volume: str) -> None:
    """Remove the databases that were moved away."""
    with server.helper({volume: DATA}) as helper:
        helper.run("rm", "-rf", OLD)
