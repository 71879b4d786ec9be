"""The report: what a person reads, and what a program does."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from tests.faults.findings import Findings
from tests.faults.injector import Struck
from tests.faults.report import Report
from tests.faults.settling import Rest

REPORT = Report(
    seed=7,
    seconds=60.0,
    rested=Rest(1.25, "e-mails to send"),
    operations=Counter({"cancel": 3, "search": 5}),
    answers=Counter({"200": 8, "503 unavailable": 2}),
    struck={
        "kill -9 gateway": Struck(2, 1, [2.0, 12.0], Counter({"no connection": 4})),
        "a queue full": Struck(1, 0, [], Counter()),
    },
    findings=Findings(lost=["booking: 17"]),
)


def test_everything_is_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "faults" / "latest.json"
    REPORT.write(file)
    written = json.loads(file.read_text())
    assert written["acknowledged"] == 8
    assert written["injected"] == 3
    assert written["recoveries_over_target"] == 1
    assert written["faults"]["kill -9 gateway"] == {
        "injected": 2,
        "overlapping": 1,
        "recovery_seconds": [2.0, 12.0],
        "seen": {"no connection": 4},
    }
    assert (written["lost"], written["doubled"], written["wrong"]) == (["booking: 17"], [], [])


def test_a_person_sees_what_was_lost_and_what_users_saw() -> None:
    lines = list(REPORT.lines())
    assert "8 operations acknowledged in 60 s:" in lines
    assert "lost: 1" in lines
    assert "  booking: 17" in lines
    assert "at rest 1.2 s, lastly e-mails to send" in lines
    [gateway] = [line for line in lines if line.startswith("kill -9 gateway")]
    assert " ".join(gateway.split()) == "kill -9 gateway 2 7.0 s, ≤ 12.0 s no connection ×4"
    [queue] = [line for line in lines if line.startswith("a queue full")]
    assert queue.endswith("nothing")
