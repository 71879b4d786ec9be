"""`python -m tests.faults`: break everything under load, print a table, write var/faults/latest.json."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from pathlib import Path

from deploy.local.layout import default_var
from deploy.local.progress import Progress
from tests.faults.kinds import ALL, BY_NAME
from tests.faults.run import Plan, run
from tests.faults.site import breakable_site


def main() -> int:
    """1 if anything was lost, doubled or wrong."""
    arguments = _parser().parse_args()
    progress = Progress()
    seed = arguments.seed if arguments.seed is not None else random.randrange(10**6)  # noqa: S311 - chance
    plan = Plan(
        faults=[BY_NAME[name] for name in arguments.only] if arguments.only else ALL,
        seconds=arguments.minutes * 60,
        seed=seed,
        clients=arguments.clients,
        pause_seconds=arguments.pause,
    )
    progress.say(f"{len(plan.faults)} kinds of faults, {arguments.minutes:g} minutes, seed {seed}")
    with (
        tempfile.TemporaryDirectory(prefix="ambito-faults-") as directory,
        breakable_site(Path(directory), progress) as site,
    ):
        report = run(site, plan)
        if arguments.keep_logs is not None:
            site.keep_logs(arguments.keep_logs)
    file = default_var() / "faults" / "latest.json"
    report.write(file)
    progress.say("\n" + "\n".join(report.lines()))
    progress.say(f"{file} written; again with SEED={seed}")
    return 1 if report.findings else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0, help="of faults (default: 5)")
    parser.add_argument("--seed", type=int, help="of the schedule (default: a new one, which is told)")
    parser.add_argument("--clients", type=int, default=20, help="at once (default: 20)")
    parser.add_argument("--pause", type=float, default=0.05, help="of a client, in seconds (default: 0.05)")
    parser.add_argument("--only", nargs="+", choices=sorted(BY_NAME), metavar="FAULT", help="just these")
    parser.add_argument("--keep-logs", type=Path, metavar="DIR", help="where to copy the logs")
    return parser


if __name__ == "__main__":
    sys.exit(main())
