"""A cooperative's desk in a browser, which looks while it is measured."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, Playwright, sync_playwright

from deploy.local.packages import BROWSER
from services.contracts.access import PROVIDER_STAFF
from tests.bench import arrivals
from tests.bench.arrivals import Arrival, Arrivals
from tests.system.world import World

_MILLISECONDS = 30_000
_OBSERVE = """
window.arrived = [];
new MutationObserver((changes) => {
  const now = performance.timeOrigin + performance.now();
  for (const change of changes) for (const line of change.addedNodes)
    if (line.dataset) window.arrived.push([line.dataset.booking, line.querySelector("time").dateTime, now]);
}).observe(document.getElementById("news"), {childList: true});
"""

_started: list[Playwright] = []
_pages: list[Page] = []


class DeskPage(Arrivals):
    """The desk of one cooperative: browsers for all would take from the system what it is measured by."""

    def __init__(self, world: World, cooperative: str) -> None:
        super().__init__()
        role = f"{PROVIDER_STAFF}:{cooperative}"
        account = next(each for each in world.territory.staff if role in map(str, each.roles))
        self._way_in = world.instance.base_url, account.login, world.passwords[account.login]

    @contextmanager
    def connected(self) -> Iterator[None]:
        self._pool.submit(_look, *self._way_in).result()
        try:
            yield
        finally:
            self._pool.submit(_leave).result()

    def take(self) -> list[Arrival]:
        return self._pool.submit(_seen).result()


def _look(base_url: str, login: str, password: str) -> None:
    if not _started:
        _started.append(sync_playwright().start())
    browser = _started[0].chromium.launch(
        executable_path=BROWSER, args=["--no-sandbox", "--disable-background-networking"]
    )
    page = browser.new_page(base_url=base_url)
    page.set_default_timeout(_MILLISECONDS)
    page.goto("/portal/sign-in")
    page.fill("#username", login)
    page.fill("#password", password)
    page.click("button[type=submit]")
    page.wait_for_selector("#live.bg-success")
    page.evaluate(_OBSERVE)
    _pages.append(page)


def _seen() -> list[Arrival]:
    for page in _pages:
        for booking, occurred_at, arrived_ms in page.evaluate("window.arrived.splice(0)"):
            arrivals.record(booking, occurred_at, int(arrived_ms * 1e6))
    return arrivals.taken()


def _leave() -> None:
    browser = _pages.pop().context.browser
    if browser is not None:
        browser.close()
