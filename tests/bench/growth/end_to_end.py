"""The whole system on what is there: bookings with a voucher through the gateway, of citizens at random."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import uuid4

from deploy.local.instance import Instance
from deploy.local.secrets import SIGNING_KEY_ID
from deploy.local.servers import Servers
from services.chassis.tokens import TokenSigner
from services.contracts.access import CITIZEN
from tests.bench.figures import percentile
from tests.bench.load import Load, Request, post
from tests.bench.scenarios import Generator
from tests.bench.system import System

_WARM_UP_SECONDS = 3.0
_TOKEN_SECONDS = 24 * 3600


@dataclass(frozen=True)
class EndToEnd:
    """16 clients, as fast as they get answers; and how long the workers then still needed."""

    per_second: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    seconds_to_rest: float


def measure(instance: Instance, targets: Sequence[Mapping[str, str]], seconds: float) -> EndToEnd:
    """Start the processes, load them for so long, wait until all is done. RuntimeError for a wrong answer."""
    generator, system = Generator(), System(instance)
    requests = list(_requests(instance, targets))
    with processes(instance):
        try:
            for length in (_WARM_UP_SECONDS, seconds):
                load = Load(
                    base_url=instance.base_url, requests=requests, expected_status=201, seconds=length
                )
                report = generator.run(load)
                rest = system.wait_for_rest()
        finally:
            generator.close()
    if report.unexpected:
        raise RuntimeError(f"answers that were not expected: {dict(report.unexpected)}")
    times = sorted(report.milliseconds)
    p50, p95, p99 = (round(percentile(times, percent), 1) for percent in (50, 95, 99))
    return EndToEnd(round(report.per_second, 1), p50, p95, p99, round(rest, 1))


@contextmanager
def processes(instance: Instance) -> Iterator[None]:
    """The application runs during the block only; its servers stay."""
    names = application(instance)
    for name in names:
        instance.start(name)
    try:
        instance.wait_ready()
        yield
    finally:
        for name in names:
            instance.stop(name)


def application(instance: Instance) -> list[str]:
    """Names of the processes that are no servers."""
    return [state.name for state in instance.states() if state.name not in Servers.NAMES]


def _requests(instance: Instance, targets: Sequence[Mapping[str, str]]) -> Iterator[Request]:
    signer = TokenSigner(instance.secrets.signing_key().read_bytes(), SIGNING_KEY_ID)
    for target in targets:
        claims = {
            "sub": str(uuid4()),
            "roles": [f"{CITIZEN}:*"],
            "person": target["person"],
            "acting_for": {},
        }
        token = signer.sign(claims, lifetime_seconds=_TOKEN_SECONDS)
        body = {"slot_id": target["slot"], "voucher_id": target["voucher"]}
        yield post("/api/v1/bookings", body, token)
