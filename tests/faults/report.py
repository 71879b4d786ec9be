"""What a run comes to: a table for people, and the same as JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from tests.faults.findings import Findings
from tests.faults.injector import RECOVERY_TARGET_SECONDS, Struck
from tests.faults.settling import Rest

_SHOWN_ANSWERS = 3
_SHOWN_FINDINGS = 20


@dataclass(frozen=True)
class Report:
    """A run that has ended."""

    seed: int
    seconds: float
    """For which faults were injected."""
    rested: Rest
    operations: Counter[str]
    answers: Counter[str]
    struck: Mapping[str, Struck]
    findings: Findings

    @property
    def injected(self) -> int:
        return sum(struck.injected for struck in self.struck.values())

    @property
    def slow(self) -> int:
        """Recoveries that took longer than the target."""
        return sum(
            seconds > RECOVERY_TARGET_SECONDS
            for struck in self.struck.values()
            for seconds in struck.recoveries
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values; findings in full."""
        return {
            "seed": self.seed,
            "seconds": round(self.seconds, 1),
            "settled_after_seconds": round(self.rested.seconds, 1),
            "acknowledged": self.operations.total(),
            "operations": dict(self.operations.most_common()),
            "answers": dict(self.answers.most_common()),
            "injected": self.injected,
            "recoveries_over_target": self.slow,
            "faults": {
                name: {
                    "injected": struck.injected,
                    "overlapping": struck.overlapping,
                    "recovery_seconds": [round(seconds, 2) for seconds in struck.recoveries],
                    "seen": dict(struck.seen.most_common()),
                }
                for name, struck in sorted(self.struck.items())
            },
            "lost": self.findings.lost,
            "doubled": self.findings.doubled,
            "wrong": self.findings.wrong,
        }

    def write(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(self.to_json(), indent=2, ensure_ascii=False) + "\n")

    def lines(self) -> Iterator[str]:
        """The tables and the verdict."""
        yield f"{self.operations.total()} operations acknowledged in {self.seconds:.0f} s:"
        for operation, count in self.operations.most_common():
            yield f"  {operation:<22}{count:>8}"
        yield ""
        width = max((len(name) for name in self.struck), default=5)
        yield f"{'fault':<{width}}  {'times':>5}  {'well after':>16}  what users saw meanwhile"
        for name, struck in sorted(self.struck.items()):
            recovered = ""
            if struck.recoveries:
                recovered = f"{median(struck.recoveries):.1f} s, ≤ {max(struck.recoveries):.1f} s"
            seen = struck.seen.most_common(_SHOWN_ANSWERS)
            shown = ", ".join(f"{answer} ×{count}" for answer, count in seen) or "nothing"
            yield f"{name:<{width}}  {struck.injected:>5}  {recovered:>16}  {shown}"
        yield ""
        yield f"{self.injected} faults; well later than {RECOVERY_TARGET_SECONDS:.0f} s: {self.slow}"
        yield f"at rest {self.rested}"
        for what in ("lost", "doubled", "wrong"):
            found: list[str] = getattr(self.findings, what)
            yield f"{what}: {len(found)}"
            yield from (f"  {sentence}" for sentence in found[:_SHOWN_FINDINGS])
