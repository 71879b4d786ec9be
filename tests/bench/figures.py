"""What a scenario amounts to: percentiles, the spread over its rounds, and its form in latest.json."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


def percentile(ordered: Sequence[float], percent: float) -> float:
    """The smallest of the values, which are in ascending order, that `percent` of them do not exceed.

    Nearest rank: always a value that was measured. ValueError if there are none.
    """
    if not ordered:
        raise ValueError("nothing was measured")
    if not 0 < percent <= 100:
        raise ValueError("a percentile is above 0 and at most 100")
    return ordered[math.ceil(len(ordered) * percent / 100) - 1]


@dataclass(frozen=True, kw_only=True)
class Round:
    """One round of a scenario. `limit` is what was measured beside it, in the same unit; None: there is none.

    `milliseconds` are the latencies of single operations. `smaller_is_better` for times and sizes.
    """

    value: float
    limit: float | None = None
    milliseconds: Sequence[float] = ()

    def ratio(self, *, smaller_is_better: bool) -> float | None:
        """How near the value comes to its limit: 1 is there, 0.5 is half as good."""
        if self.limit is None or not self.limit or not self.value:
            return None
        return self.limit / self.value if smaller_is_better else self.value / self.limit


@dataclass(frozen=True, kw_only=True)
class Result:
    """A scenario over all its rounds. `notes` are further figures by name, for latest.json."""

    scenario: str
    unit: str
    rounds: Sequence[Round]
    limit_is: str = ""
    smaller_is_better: bool = False
    notes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def value(self) -> float:
        """Median of the rounds: one disturbed round does not move it."""
        return statistics.median(each.value for each in self.rounds)

    @property
    def limit(self) -> float | None:
        limits = [each.limit for each in self.rounds if each.limit is not None]
        return statistics.median(limits) if limits else None

    @property
    def ratio(self) -> float | None:
        """Median of the rounds' own ratios: value and limit of one round were measured under one weather."""
        found = [each.ratio(smaller_is_better=self.smaller_is_better) for each in self.rounds]
        ratios = [ratio for ratio in found if ratio is not None]
        return statistics.median(ratios) if ratios else None

    @property
    def spread(self) -> tuple[float, float]:
        """The lowest and the highest round."""
        values = [each.value for each in self.rounds]
        return min(values), max(values)

    def percentiles(self) -> dict[str, float | None]:
        """p50, p95 and p99 of all operations of all rounds, in milliseconds; None without any."""
        ordered = sorted(value for each in self.rounds for value in each.milliseconds)
        return {
            f"p{percent}_ms": round(percentile(ordered, percent), 2) if ordered else None
            for percent in (50, 95, 99)
        }

    def as_json(self) -> dict[str, Any]:
        return {
            "value": _rounded(self.value),
            "unit": self.unit,
            **self.percentiles(),
            "ratio_to_limit": None if self.ratio is None else round(self.ratio, 4),
            "limit": None if self.limit is None else _rounded(self.limit),
            "limit_is": self.limit_is or None,
            "spread": [_rounded(value) for value in self.spread],
            **self.notes,
        }


def write(results: Iterable[Result], file: Path) -> None:
    """Replace `file` by the results, by scenario."""
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_suffix(".new")
    text = json.dumps({each.scenario: each.as_json() for each in results}, indent=2, ensure_ascii=False)
    new.write_text(text + "\n")
    new.replace(file)


def table(results: Iterable[Result]) -> str:
    """The results for a person: one line each, the spread of the rounds beside the value."""
    head = ("scenario", "value", "spread", "unit", "p50 ms", "p95 ms", "p99 ms", "limit", "of limit")
    lines = [head, *(_line(each) for each in results)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    left = {0, 3}
    return "\n".join(
        "  ".join(
            text.ljust(width) if column in left else text.rjust(width)
            for column, (text, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def _line(result: Result) -> tuple[str, ...]:
    low, high = result.spread
    shown = result.percentiles()
    return (
        result.scenario,
        _shown(result.value),
        f"{_shown(low)}–{_shown(high)}" if len(result.rounds) > 1 else "",
        result.unit,
        *("" if shown[name] is None else _shown(shown[name]) for name in ("p50_ms", "p95_ms", "p99_ms")),
        _shown(result.limit),
        "" if result.ratio is None else f"{result.ratio:.1%}",
    )


def _shown(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _rounded(value: float) -> float:
    return round(value, 2)
