"""Alerts and what is written about them; dashboards as Grafana takes them; what the overlay starts."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml

from deploy.observability import dashboards
from tests.support.stack import PROCESSES, ROOT
from tests.support.watched import OBSERVABILITY, RULES

RUNBOOK = (ROOT / "deploy" / "runbook.md").read_text()
SECTIONS = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", RUNBOOK, re.MULTILINE | re.DOTALL))
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "deploy" / "compose.observability.yaml").read_text())
BRIDGE = "notifications-bridge"
"""Where a cooperative has one; whether its own broker takes what comes is the cooperative's matter."""
PROMETHEUS = yaml.safe_load((OBSERVABILITY / "prometheus.yaml").read_text())


def test_every_alert_has_a_section_of_the_runbook_and_every_section_an_alert() -> None:
    assert SECTIONS.keys() == RULES.keys()


@pytest.mark.parametrize("alert", RULES)
def test_a_section_says_how_to_look_what_to_do_and_when_it_is_over(alert: str) -> None:
    parts = re.findall(r"^(Look|Do|Over): ", SECTIONS[alert], re.MULTILINE)
    assert parts == ["Look", "Do", "Over"]
    assert SECTIONS[alert].index("Look: ") > 60, "first, what it means"


@pytest.mark.parametrize("alert", RULES)
def test_an_alert_says_how_bad_it_is_and_what_is_the_matter(alert: str) -> None:
    assert RULES[alert]["labels"]["severity"] in {"critical", "warning"}
    assert RULES[alert]["annotations"]["summary"]


def test_every_process_is_scraped_and_missed() -> None:
    watched = {*PROCESSES, "watch", "watch-backups"}
    (processes,) = (each for each in PROMETHEUS["scrape_configs"] if each["job_name"] == "processes")
    assert set(processes["dns_sd_configs"][0]["names"]) == watched | {BRIDGE}
    groups = yaml.safe_load((OBSERVABILITY / "alerts.yaml").read_text())["groups"]
    expected = {rule["labels"]["service"] for rule in groups[0]["rules"]}
    assert expected == watched


def test_the_dashboards_are_what_their_source_says() -> None:
    assert {path: path.read_text() for path in dashboards.FOLDER.glob("*")} == dashboards.files()


@pytest.mark.parametrize("path", sorted(dashboards.files()), ids=lambda path: str(path.stem))
def test_a_dashboard_has_what_grafana_needs(path: Any) -> None:
    """What provisioning refuses or shows as nothing: no uid, panels in one place, targets without source."""
    document = json.loads(path.read_text())
    assert re.fullmatch(r"[a-z0-9-]{1,40}", document["uid"])
    assert isinstance(document["schemaVersion"], int)
    panels = document["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}
    assert len(places) == len(panels)
    sources = yaml.safe_load(
        (OBSERVABILITY / "grafana" / "provisioning" / "datasources" / "ambito.yaml").read_text()
    )["datasources"]
    for panel in panels:
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])
        for target in panel["targets"]:
            assert target["expr"]
            assert target["datasource"]["uid"] in {source["uid"] for source in sources}


def test_the_collector_uses_what_it_defines_and_defines_what_it_uses() -> None:
    collector = yaml.safe_load((OBSERVABILITY / "collector.yaml").read_text())
    service = collector["service"]
    for kind in ("receivers", "processors", "exporters"):
        used = {name for pipeline in service["pipelines"].values() for name in pipeline[kind]}
        assert used == collector[kind].keys()
    assert set(service["extensions"]) == collector["extensions"].keys()
    assert service["pipelines"]["traces"]["processors"][0] == "memory_limiter", "as its documentation asks"


def test_everything_that_watches_is_confined_and_published_on_this_machine_only() -> None:
    for name in ("watch", "watch-backups", "prometheus", "alertmanager", "collector", "tempo", "grafana"):
        service = COMPOSE["services"][name]
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["deploy"]["resources"]["limits"].keys() == {"memory", "pids"}, name
        assert all("127.0.0.1" in port for port in service.get("ports", ())), name
