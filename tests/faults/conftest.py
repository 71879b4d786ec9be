"""An installation of its own for faults: what breaks here disturbs nobody else."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.local.progress import Progress
from tests.faults.findings import Findings
from tests.faults.life import BOOKINGS
from tests.faults.load import Load
from tests.faults.people import equip, market
from tests.faults.reckoning import reckon
from tests.faults.settling import settle
from tests.faults.site import Site, breakable_site

# Each lost connection, of which there are many here, would fill pages and hide what was found.
logging.getLogger("pika").setLevel(logging.CRITICAL)

CITIZENS = 4


@pytest.fixture(scope="session")
def site(server_directory: Path) -> Iterator[Site]:
    with breakable_site(server_directory / "faults", Progress(quiet=True)) as site:
        yield site


@pytest.fixture
def load(site: Site) -> Load:
    """Not yet running: citizens with vouchers, and slots to book."""
    site.instance.wait_ready()  # a test that failed may have left something broken
    return Load(market(site), equip(site, CITIZENS), BOOKINGS)


@pytest.fixture
def check(site: Site, load: Load) -> Callable[[], None]:
    """Every promise, once all is quiet."""

    def check() -> None:
        assert load.acknowledged > 0
        settle(site)
        assert reckon(site, load.market, load.purses) == Findings()

    return check
