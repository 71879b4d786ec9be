"""`python -m deploy.local up | status | down | clean | logs | reconcile | check-topology | packages`."""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

from deploy.local import packages
from deploy.local.follow import follow
from deploy.local.instance import Instance
from deploy.local.programs import StartError
from deploy.local.progress import Progress
from deploy.local.setup import DEMO_PASSWORDS
from services.contracts.territory import read_territory


def main() -> int:
    arguments = _parser().parse_args()
    try:
        return _commands(arguments)[arguments.command]()
    except StartError as error:
        print(f"\nFAILED: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _commands(arguments: argparse.Namespace) -> dict[str, Callable[[], int]]:
    instance = Instance(arguments.var)
    return {
        "up": lambda: _up(instance),
        "down": lambda: _done(instance.down, "Everything is stopped."),
        "clean": lambda: _done(instance.clean, f"{instance.layout.var} is gone."),
        "status": lambda: _status(instance),
        "logs": lambda: _logs(instance, arguments),
        "reconcile": lambda: _reconcile(instance),
        "check-topology": lambda: _done(instance.check_topology, "The broker has every binding."),
        "packages": lambda: _done(lambda: packages.ensure(Progress(), browser=arguments.browser), ""),
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.local", description=__doc__)
    parser.add_argument(
        "--var", type=Path, help="directory of the installation (default: $AMBITO_VAR or var)"
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="start everything and wait until it is healthy")
    commands.add_parser("status", help="what runs, and how it is; fails when something is not healthy")
    commands.add_parser("down", help="stop what up started")
    commands.add_parser("clean", help="stop, and delete data, secrets and logs")
    commands.add_parser(
        "reconcile", help="compare seats, bookings and vouchers' holds; fails on a difference"
    )
    commands.add_parser("check-topology", help="fails, and names them, when the broker has lost bindings")
    needed = commands.add_parser("packages", help="install the Debian packages that private servers need")
    needed.add_argument("--browser", action="store_true", help="and the one that tests of pages need")
    logs = commands.add_parser("logs", help="follow the logs")
    logs.add_argument("names", nargs="*", help="processes to show (default: all)")
    logs.add_argument("--lines", type=int, default=10, help="how many old lines of each (default: 10)")
    logs.add_argument("--once", action="store_true", help="do not wait for more")
    return parser


def _done(work: Callable[[], None], sentence: str) -> int:
    work()
    if sentence:
        print(sentence)
    return 0


def _up(instance: Instance) -> int:
    instance.up()
    print()
    for name, place in instance.places().items():
        print(f"  {name:<16} {place}")
    print("\n  Demo logins (all of them: " + str(instance.layout.secrets / DEMO_PASSWORDS) + ")")
    passwords = json.loads((instance.layout.secrets / DEMO_PASSWORDS).read_text())
    shown: set[str] = set()
    for account in read_territory(instance.territory).staff:
        kind = account.roles[0].split(":")[0]
        if kind not in shown:  # one of each kind
            shown.add(kind)
            roles = ", ".join(account.roles)
            print(f"    {account.login:<34} {passwords[account.login]:<22} {roles}")
    return 0


def _reconcile(instance: Instance) -> int:
    found = instance.reconcile()
    for difference in found:
        print(difference)
    print(f"{len(found)} differences between seats, bookings and holds.")
    return 1 if found else 0


def _status(instance: Instance) -> int:
    states = instance.states()
    if not states:
        print("Nothing runs. `make up` starts everything.")
        return 3
    reasons = instance.not_ready()
    print(f"{'PROCESS':<24} {'STATE':<10} {'PID':>7} {'UP':>9}  HEALTH")
    for state in states:
        lives = state.state == "RUNNING"
        health = reasons.get(state.name, "ok") if lives else state.note
        up = f"{state.seconds // 3600}:{state.seconds // 60 % 60:02}:{state.seconds % 60:02}" if lives else ""
        print(f"{state.name:<24} {state.state:<10} {state.pid or '':>7} {up:>9}  {health}")
    return 0 if not reasons and all(state.state == "RUNNING" for state in states) else 1


def _logs(instance: Instance, arguments: argparse.Namespace) -> int:
    follow(instance.layout.logs, arguments.names, lines=arguments.lines, once=arguments.once)
    return 0


if __name__ == "__main__":
    sys.exit(main())
