"""`make demo`: the main job, end to end; non-zero as soon as something is not as it must be."""

from __future__ import annotations

import json
import sys

import httpx

from deploy.demo.portal import Unexpected
from deploy.demo.story import Setting, Story
from deploy.demo.telling import Teller
from deploy.local.instance import TERRITORY, Instance
from deploy.local.setup import DEMO_PASSWORDS, logins
from services.contracts.territory import read_territory


def main() -> int:
    instance = Instance()
    if not instance.states():
        print("Nothing runs here. Start the system first: make up", file=sys.stderr)
        return 1
    territory = read_territory(TERRITORY)
    setting = Setting(
        base_url=instance.base_url,
        territory=territory,
        passwords=json.loads(instance.secrets.passwords(DEMO_PASSWORDS, logins(territory)).read_text()),
        broker_urls={
            provider.slug: instance.cooperative_amqp_url(provider.slug) for provider in territory.providers
        },
        mail=instance.layout.mail,
        locks=instance.layout.var / "demo",
    )
    try:
        Story(setting, Teller()).tell()
    except Unexpected as error:
        print(f"\nThe story ends here: {error}", file=sys.stderr)
        return 1
    except httpx.HTTPError as error:
        print(
            f"\nThe gateway at {setting.base_url} did not answer ({error}); see: make status", file=sys.stderr
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
