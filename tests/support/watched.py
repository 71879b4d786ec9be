"""A stack in containers that is watched, as compose.observability.yaml has it: with a real Prometheus that
looks every second, and a collector that keeps what it gets.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

import httpx
import yaml

from tests.support.polling import eventually
from tests.support.stack import PROCESSES, ROOT, Stack

OBSERVABILITY = ROOT / "deploy" / "observability"
WATCHING = ("prometheus", "collector", "watch", "watch-backups")
RULES: dict[str, dict[str, Any]] = {
    rule["alert"]: rule
    for group in yaml.safe_load((OBSERVABILITY / "alerts.yaml").read_text())["groups"]
    for rule in group["rules"]
    if "alert" in rule
}


class Watched:
    """The stack, and what its Prometheus and its collector know of it."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self._prometheus = httpx.Client(
            base_url=f"http://127.0.0.1:{stack.prometheus}/api/v1", timeout=20, trust_env=False
        )

    def close(self) -> None:
        self._prometheus.close()

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The vector that an expression is now. AssertionError if Prometheus does not understand it."""
        answer = self._prometheus.post("/query", data={"query": expression}).json()
        assert answer["status"] == "success", f"{expression}: {answer}"
        found: list[dict[str, Any]] = answer["data"]["result"]
        return found

    def fires(self, alert: str, *, instead: Mapping[str, str] | None = None) -> list[dict[str, str]]:
        """The labels for which the condition of an alert holds, however short it has. `instead`: other limits
        than those of the rule, which take longer to exceed.
        """
        expression: str = RULES[alert]["expr"]
        for limit, other in (instead or {}).items():
            assert limit in expression, f"{alert} has no {limit}"
            expression = expression.replace(limit, other)
        return [found["metric"] for found in self.query(expression)]

    def spans(self) -> list[dict[str, Any]]:
        """All that came so far."""
        collector = self.stack.container("collector")
        found: list[dict[str, Any]] = self.stack.python(collector, "spans")
        return found


@contextmanager
def watched(stack: Stack) -> Iterator[Watched]:
    """Everything is looked at every second instead of four times a minute, and every request is traced."""
    configuration = re.sub(
        r"(scrape_interval|scrape_timeout|evaluation_interval|refresh_interval): \d+s",
        r"\1: 1s",
        (OBSERVABILITY / "prometheus.yaml").read_text(),
    )
    (stack.directory / "prometheus.yaml").write_text(configuration)
    (stack.directory / "backups").mkdir(exist_ok=True)
    soon: dict[str, Any] = {"OTEL_TRACES_SAMPLER_ARG": "1", "OTEL_BSP_SCHEDULE_DELAY": "200"}
    services: dict[str, Any] = {process: {"environment": soon} for process in PROCESSES}
    services["vouchers-worker"]["environment"] = soon | {
        f"{what}_EVERY_SECONDS": "1" for what in ("LEDGER", "RECONCILE", "BUDGETS")
    }
    services["catalogue-worker"]["environment"] = soon | {"RECONCILE_EVERY_SECONDS": "1"}
    services["watch"] = services["watch-backups"] = {"environment": {"WATCH_EVERY_SECONDS": "1"}}
    services["prometheus"] = {
        "volumes": [f"{stack.directory}/prometheus.yaml:/etc/ambito/prometheus.yaml:ro"]
    }
    services["collector"] = {
        "image": stack.image("demo"),
        "entrypoint": ["python", "-c", (ROOT / "tests" / "support" / "collector.py").read_text()],
        "command": [],
    }
    file = stack.directory / "watched.json"
    file.write_text(json.dumps({"services": services}))
    with (
        stack.under("deploy/compose.observability.yaml", str(file), services=(*PROCESSES, *WATCHING)),
        closing(Watched(stack)) as watching,
    ):
        yield watching


def all_answer(watching: Watched) -> bool:
    """Whether every process is scraped."""
    up = {found["metric"]["service"] for found in watching.query('up{job="processes"} == 1')}
    assert up >= {*PROCESSES, "watch", "watch-backups"}, up
    return True


def wait_until_all_answer(watching: Watched) -> None:
    eventually(lambda: all_answer(watching), timeout_seconds=60)
