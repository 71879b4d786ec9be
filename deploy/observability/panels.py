"""Diagrams as Grafana reads them from a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

_WIDTH, _HEIGHT, _COLUMNS = 12, 8, 2
EVERY: Final = "$__rate_interval"
_PROMETHEUS: Final = {"type": "prometheus", "uid": "prometheus"}


@dataclass(frozen=True, slots=True)
class Panel:
    """A diagram over time. `lines`: expression and legend of each; unit as Grafana calls it."""

    title: str
    unit: str
    lines: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Dashboard:
    uid: str
    title: str
    panels: Sequence[Panel]


def rate(counter: str, by: str) -> str:
    """How often a second, by these labels."""
    return f"sum by ({by}) (rate({counter}[{EVERY}]))"


def quantile(histogram: str, by: str) -> str:
    """What 95 of 100 stay below, by these labels."""
    return f"histogram_quantile(0.95, sum by (le, {by}) (rate({histogram}_bucket[{EVERY}])))"


def hop(name: str, counter: str, failed: str, histogram: str, by: str) -> list[Panel]:
    """Rate, errors and duration of one hop."""
    return [
        Panel(
            f"{name}: rate, and errors",
            "ops",
            [(rate(counter, by), f"{{{{{by}}}}}"), (failed, "errors {{" + by + "}}")],
        ),
        Panel(f"{name}: 95 of 100 are faster", "s", [(quantile(histogram, by), f"{{{{{by}}}}}")]),
    ]


def document(dashboard: Dashboard) -> dict[str, Any]:
    """As Grafana provisions it."""
    return {
        "uid": dashboard.uid,
        "title": dashboard.title,
        "tags": ["ambito"],
        "schemaVersion": 39,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "templating": {"list": []},
        "annotations": {"list": []},
        "panels": list(_placed(dashboard.panels)),
    }


def _placed(panels: Sequence[Panel]) -> Iterator[dict[str, Any]]:
    for number, panel in enumerate(panels):
        yield {
            "id": number + 1,
            "type": "timeseries",
            "title": panel.title,
            "datasource": _PROMETHEUS,
            "gridPos": {
                "x": number % _COLUMNS * _WIDTH,
                "y": number // _COLUMNS * _HEIGHT,
                "w": _WIDTH,
                "h": _HEIGHT,
            },
            "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
            "options": {
                "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
                "tooltip": {"mode": "multi", "sort": "desc"},
            },
            "targets": [
                {
                    "refId": chr(ord("A") + place),
                    "datasource": _PROMETHEUS,
                    "expr": expr,
                    "legendFormat": legend,
                }
                for place, (expr, legend) in enumerate(panel.lines)
            ],
        }
