"""What the operations team does with the webhooks of one cooperative: new secrets, and an end."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from services.chassis.clock import SystemClock
from services.chassis.ids import new_id
from services.chassis.refusal import NotFound
from services.chassis.sealing import Sealer
from services.notifications.application.disable_webhooks import disable_webhooks
from services.notifications.application.enable_webhooks import enable_webhooks
from services.notifications.application.purge import purge
from services.notifications.application.rotate_secret import rotate_secret
from tests.notifications.support.delivering import Webhooks, client_of
from tests.notifications.support.receiver import Receivers
from tests.notifications.support.world import OTHER_PROVIDER, PROVIDER, Someone, World, booking

ROOT = Path(__file__).parents[3]
MARIA = Someone("Maria", None)


@pytest.fixture
def hooks(make_world: Callable[..., World]) -> Webhooks:
    world = make_world(webhook_timeout_seconds=1.0)
    world.knows(MARIA)
    return Webhooks(world)


def sealer(world: World) -> Sealer:
    return Sealer.parse(world.settings.data_keys_file.read_text())


def test_for_the_grace_period_both_secrets_verify_and_then_the_new_one_only(
    hooks: Webhooks, receiver: Receivers
) -> None:
    there = receiver()
    endpoint = hooks.register(there.url)
    old, world = hooks.secrets[endpoint.id], hooks.world
    grace = timedelta(hours=1)
    new = rotate_secret(world.database, sealer(world), hooks.clock, endpoint.id, grace=grace)
    assert new.startswith("whsec_")
    assert new != old

    def signed() -> tuple[list[str], list[str]]:
        """The signatures of a delivery, and what each of the two secrets signs."""
        world.told(booking(MARIA))
        assert hooks.turn() == ["delivered"]
        request = there.requests[-1]
        name, body = request.headers["webhook-id"], request.body.decode()
        at = datetime.fromtimestamp(int(request.headers["webhook-timestamp"]), UTC)
        expected = [Webhook(secret).sign(name, at, body) for secret in (new, old)]
        return request.headers["webhook-signature"].split(), expected

    signatures, (by_new, by_old) = signed()
    assert signatures == [by_new, by_old]
    request = there.requests[-1]
    for secret in (new, old):  # as any library for receivers sees it
        Webhook(secret).verify(request.body, dict(request.headers))
    hooks.pass_time(grace + timedelta(seconds=1))
    signatures, (by_new, by_old) = signed()
    assert signatures == [by_new]


def test_only_an_active_endpoint_gets_a_new_secret(hooks: Webhooks, receiver: Receivers) -> None:
    world = hooks.world
    endpoint = hooks.register(receiver().url)
    hooks.endpoints.delete(client_of(), endpoint.id)
    for unknown in (endpoint.id, new_id()):
        with pytest.raises(NotFound):
            rotate_secret(world.database, sealer(world), hooks.clock, unknown, grace=timedelta(0))


def test_a_disabled_cooperative_is_sent_nothing_until_it_is_enabled(
    hooks: Webhooks, receiver: Receivers
) -> None:
    world, there, elsewhere = hooks.world, receiver(), receiver()
    hooks.register(there.url)
    hooks.register(elsewhere.url, provider=OTHER_PROVIDER)
    world.told(booking(MARIA))  # waits
    assert disable_webhooks(world.database, PROVIDER)
    assert not disable_webhooks(world.database, PROVIDER), "it was"
    world.told(booking(MARIA))
    hooks.register(receiver().url)
    world.told(booking(MARIA))
    world.told(booking(MARIA, provider=OTHER_PROVIDER))
    assert hooks.turn() == ["delivered"], "the other cooperative's"
    assert (len(there.requests), len(elsewhere.requests)) == (0, 1)
    assert world.scalar("SELECT count(*) FROM feed_event WHERE provider = :p", p=PROVIDER) == 3
    assert enable_webhooks(world.database, PROVIDER)
    assert not enable_webhooks(world.database, PROVIDER), "it was"
    assert hooks.turn() == [], "what it missed is in the feed"
    world.told(booking(MARIA))
    assert hooks.turn() == ["delivered", "delivered"]


def test_what_was_queued_at_the_very_moment_is_not_sent_and_purged(
    hooks: Webhooks, receiver: Receivers
) -> None:
    world = hooks.world
    hooks.register(receiver().url)
    disable_webhooks(world.database, PROVIDER)
    world.change("ALTER TABLE disabled_provider RENAME TO elsewhere")
    world.change("CREATE TABLE disabled_provider AS SELECT * FROM elsewhere WHERE false")
    world.told(booking(MARIA))  # by somebody who does not see it yet
    world.change("DROP TABLE disabled_provider")
    world.change("ALTER TABLE elsewhere RENAME TO disabled_provider")
    assert world.scalar("SELECT count(*) FROM webhook_delivery WHERE state = 'pending'") == 1
    assert hooks.turn() == []
    purge(world.database, SystemClock(), world.settings)
    assert world.scalar("SELECT state FROM webhook_delivery") == "failed"


def test_the_commands(world: World, receiver: Receivers) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "services.notifications", "endpoints", *arguments],
            cwd=ROOT,
            env=world.environment(path="/usr/bin:/bin"),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    url = receiver().url
    added = json.loads(run("add", PROVIDER, url, "--type", "ambito.catalogue.booking.confirmed.v1").stdout)
    assert added["secret"].startswith("whsec_")
    again = run("add", PROVIDER, url)
    assert again.returncode == 1
    assert again.stderr
    assert added["secret"] not in again.stdout + again.stderr
    rotated = json.loads(run("rotate", added["id"], "--grace-hours", "0.5").stdout)
    assert rotated["secret"] not in ("", added["secret"])
    assert json.loads(run("disable", PROVIDER).stdout) == {"provider": PROVIDER, "changed": True}
    listed = json.loads(run("list", PROVIDER).stdout)
    assert list(listed["disabled"]) == [PROVIDER]
    assert json.loads(run("list", OTHER_PROVIDER).stdout)["endpoints"] == []
    assert json.loads(run("list").stdout) == listed
    assert [(each["id"], each["url"]) for each in listed["endpoints"]] == [(added["id"], url)]
    assert "secret" not in str(listed["endpoints"])
    assert json.loads(run("enable", PROVIDER).stdout)["changed"]
    assert run("rotate", str(new_id())).returncode == 1
