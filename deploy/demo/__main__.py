"""`make demo`: the main job, end to end; non-zero as soon as something is not as it must be.

`python -m deploy.demo [containers]`: on the installation of this machine, or, in the image `demo`, on the
containers beside it.
"""

from __future__ import annotations

import sys

import httpx

from deploy.demo.portal import Unexpected
from deploy.demo.settings import NothingRuns, containers, this_machine
from deploy.demo.story import Story
from deploy.demo.telling import Teller


def main(arguments: list[str]) -> int:
    try:
        setting = containers() if arguments == ["containers"] else this_machine()
    except NothingRuns as error:
        print(error, file=sys.stderr)
        return 1
    try:
        Story(setting, Teller()).tell()
    except Unexpected as error:
        print(f"\nThe story ends here: {error}", file=sys.stderr)
        return 1
    except httpx.HTTPError as error:
        print(f"\nThe gateway at {setting.base_url} did not answer ({error})", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
