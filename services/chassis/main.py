"""The command line of a service: `python -m services.<name> grpc | worker | relay | migrate | …`.

Only what the chosen command needs is imported, and for a worker nothing before eventlet has patched the
process.
"""

import sys
from collections.abc import Sequence

from services.chassis.definition import ServiceDefinition, load
from services.chassis.garbage import collect_seldom

__all__ = ["ServiceDefinition", "run"]


def run(service: str, argv: Sequence[str] | None = None) -> None:
    """Run the command in `argv` (default: the process's own arguments) for the service defined at `service`.

    `service` is `"services.<name>.bootstrap:SERVICE"`: a name, not the object, because importing it is
    already importing. Does not return: the process exits with 0, or with something else and a message that
    says why.
    """
    collect_seldom()
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["worker"]:
        from services.chassis import green

        green.patch()
    from services.chassis.commands import application

    definition: ServiceDefinition = load(service)
    commands = application(definition, next(iter(arguments), None))
    commands(arguments, prog_name=f"python -m services.{definition.name}")
