"""Many faults, one after another and some at once, under everything that users do."""

from __future__ import annotations

from tests.faults.findings import Findings
from tests.faults.kinds import ALL
from tests.faults.run import Plan, run
from tests.faults.site import Site

_SECONDS = 20
_SEED = 20_261_123


def test_a_storm_of_faults_loses_doubles_and_falsifies_nothing(site: Site) -> None:
    report = run(site, Plan(faults=ALL, seconds=_SECONDS, seed=_SEED, clients=5))
    assert report.findings == Findings(), "\n".join(report.lines())
    assert report.injected > 0
    assert report.operations.total() > 0
