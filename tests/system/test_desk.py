"""The desk of a cooperative, in a browser, on a whole installation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from deploy.local.packages import BROWSER
from tests.support.polling import eventually
from tests.system.world import Citizen, World

PROVIDER = "filo-di-lana"
LOGIN = f"coop.{PROVIDER}"
DESK = f"/portal/cooperatives/{PROVIDER}"
FAR_AWAY = "portal.example"
"""A name for this machine that browsers take for another one."""
ACCESS = "__Host-ambito-access"
MILLISECONDS = 30_000
NO_FAULT = (
    "Failed to load resource",
    "[object Event]",
    "The Cross-Origin-Opener-Policy header has been ignored",
)
"""That an address was answered with an error; that a stream was cut off, as htmx says it; that a policy does
not count without TLS.
"""
AXE = Path(__file__).parents[2] / "gateway/portal/node_modules/axe-core/axe.min.js"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=BROWSER,
            args=[
                "--no-sandbox",
                "--disable-background-networking",
                f"--host-resolver-rules=MAP {FAR_AWAY} 127.0.0.1",
            ],
        )
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser, world: World) -> Iterator[BrowserContext]:
    """A browser without cookies. What its console is told is a fault: a policy that was broken, a script."""
    context = browser.new_context(base_url=world.instance.base_url, locale="it-IT")
    context.set_default_timeout(MILLISECONDS)
    said: list[str] = []
    context.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    context.on("weberror", lambda error: said.append(str(error.error)))
    yield context
    context.close()
    assert [each for each in said if not each.startswith(NO_FAULT)] == []


@pytest.fixture
def desk(context: BrowserContext, world: World) -> Page:
    """The desk, with somebody at it who sees live what happens."""
    page = context.new_page()
    sign_in(page, world)
    is_live(page)
    return page


def sign_in(page: Page, world: World, password: str | None = None) -> None:
    page.goto("/portal/")
    page.get_by_label("Nome utente").fill(LOGIN)
    page.get_by_label("Password").fill(password or world.passwords[LOGIN])
    page.get_by_role("button", name="Accedi").click()


def is_live(page: Page) -> None:
    expect(page.locator("#live")).to_have_text("collegato", timeout=MILLISECONDS)


def book(world: World, citizen: Citizen, seat: int = 0) -> dict[str, Any]:
    """A visit in so many days that the person, too, may still cancel it, holidays or not."""
    slot = world.slots(PROVIDER, first_day=world.first_day() + timedelta(days=7))[seat]
    booking: dict[str, Any] = citizen.session.ok(world.book(citizen, slot["id"]))
    return booking


def day_of(booking: dict[str, Any]) -> str:
    return str(date.fromisoformat(booking["local_start"][:10]))


def news(page: Page, booking: dict[str, Any]) -> Any:
    return page.locator(f"#news [data-booking='{booking['id']}']")


def row(page: Page, booking: dict[str, Any]) -> Any:
    return page.locator(f"#visits [data-booking='{booking['id']}']")


def test_who_does_not_know_the_password_stays_outside(context: BrowserContext, world: World) -> None:
    page = context.new_page()
    sign_in(page, world, password="wrong")
    expect(page.get_by_role("alert")).to_have_text("Nome utente o password non corretti.")
    expect(page.get_by_label("Nome utente")).to_have_value(LOGIN)
    expect(page.get_by_label("Password")).to_be_focused()


def test_who_cannot_sign_in_without_tls_is_told_why(context: BrowserContext, world: World) -> None:
    page = context.new_page()
    page.goto("/portal/sign-in")
    expect(page.get_by_role("alert")).to_have_count(0)
    page.goto(f"{world.instance.base_url.replace('127.0.0.1', FAR_AWAY)}/portal/sign-in")
    expect(page.get_by_role("alert")).to_contain_text("non è protetto")


def test_a_booking_is_on_the_desk_when_it_is_made_and_what_becomes_of_it(desk: Page, world: World) -> None:
    citizen = world.citizen()
    made = book(world, citizen)
    line = news(desk, made)
    expect(line).to_contain_text("Nuova prenotazione", timeout=MILLISECONDS)
    expect(line).to_contain_text("Venegono Inferiore")

    desk.goto(f"{DESK}/bookings?day={day_of(made)}")
    is_live(desk)
    expect(row(desk, made)).to_contain_text("confermata")
    other = book(world, citizen, seat=-1)
    expect(news(desk, other)).to_be_visible(timeout=MILLISECONDS)
    citizen.session.ok(citizen.session.post(f"/bookings/{made['id']}/cancellation", {"reason": ""}))
    expect(row(desk, made)).to_contain_text("annullata", timeout=MILLISECONDS)
    expect(news(desk, made)).to_contain_text("Annullata dalla persona")


def test_the_desk_proves_a_visit_with_the_code_of_the_person(desk: Page, world: World) -> None:
    citizen = world.citizen()
    made = book(world, citizen)
    right = citizen.session.ok(citizen.session.get(f"/bookings/{made['id']}/delivery-code"))["code"]
    wrong = f"{(int(right) + 1) % 1_000_000:06}"
    news(desk, made).get_by_role("link").click(timeout=MILLISECONDS)
    for code, state in ((wrong, "confermata"), (f"{right[:3]} {right[3:]}", "effettuata")):
        desk.get_by_label("Codice").fill(code)
        desk.get_by_role("button", name="Registra la visita").click()
        expect(desk.get_by_role("heading", level=1)).to_contain_text(state)
        if code == wrong:
            expect(desk.get_by_role("alert")).to_contain_text("codice")
            expect(desk.get_by_label("Codice")).to_have_value(wrong)
    expect(desk.get_by_role("button", name="Registra la visita")).to_have_count(0)
    assert citizen.session.ok(citizen.session.get(f"/bookings/{made['id']}"))["state"] == "delivered"


def test_the_desk_cancels_with_a_reason(desk: Page, world: World) -> None:
    citizen = world.citizen()
    made = book(world, citizen)
    news(desk, made).get_by_role("link").click(timeout=MILLISECONDS)
    desk.get_by_label("Motivo").fill("Strada chiusa per <neve>")
    desk.get_by_role("button", name="Annulla la prenotazione").click()
    expect(desk.get_by_role("heading", level=1)).to_contain_text("annullata")
    expect(desk.get_by_text("Strada chiusa per <neve>")).to_be_visible()
    read = citizen.session.ok(citizen.session.get(f"/bookings/{made['id']}"))
    assert (read["state"], read["cancelled_by"]) == ("cancelled", "provider")


@pytest.mark.parametrize("behind_a_proxy", [False, True])
def test_a_desk_sees_once_what_happened_while_the_gateway_was_gone(
    desk: Page, world: World, behind_a_proxy: bool
) -> None:
    """By itself a browser comes back to a stream that is cut off, and not to one that a proxy answers for."""
    citizen = world.citizen()
    before = book(world, citizen)
    expect(news(desk, before)).to_have_count(1, timeout=MILLISECONDS)
    if behind_a_proxy:
        desk.route("**/live?*", lambda route: route.fulfill(status=503))
        with desk.expect_response(lambda answer: answer.status == 503):
            world.instance.kill("gateway")
    else:
        world.instance.kill("gateway")
        expect(desk.locator("#live")).to_have_text("collegamento…", timeout=MILLISECONDS)
    eventually(lambda: world.instance.not_ready({"gateway"}) == {}, timeout_seconds=60)
    missed = book(world, citizen, seat=-1)
    desk.unroute_all()
    expect(news(desk, missed)).to_have_count(1, timeout=MILLISECONDS)
    is_live(desk)
    expect(news(desk, before)).to_have_count(1)


def test_a_session_goes_on_in_two_pages_at_once_and_ends_in_both(
    desk: Page, context: BrowserContext, world: World
) -> None:
    other = context.new_page()
    other.goto(f"{DESK}/bookings")
    is_live(other)
    for _ in range(3):
        context.clear_cookies(name=ACCESS)  # as when its ten minutes are over
        with desk.expect_navigation(), other.expect_navigation():
            for page in (desk, other):
                page.evaluate("location.reload()")
        for page in (desk, other):
            is_live(page)
    cookies = [each for each in context.cookies() if each["name"].startswith("__Host-")]
    assert len(cookies) == 2
    desk.get_by_role("button", name="Esci").click()
    expect(desk).to_have_title("Accesso · Ambito")
    other.get_by_role("link", name="Giorno dopo").click()
    expect(other).to_have_title("Accesso · Ambito")
    context.add_cookies([dict(each, url=None) for each in cookies if each["name"] != ACCESS])  # type: ignore[misc]
    other.goto(f"{DESK}/bookings")
    expect(other).to_have_title("Accesso · Ambito")


def test_a_desk_works_without_scripts_but_for_what_comes_live(browser: Browser, world: World) -> None:
    citizen = world.citizen()
    made = book(world, citizen)
    context = browser.new_context(base_url=world.instance.base_url, java_script_enabled=False)
    page = context.new_page()
    sign_in(page, world)
    page.goto(f"{DESK}/bookings?day={day_of(made)}")
    row(page, made).get_by_role("link").click()
    page.get_by_label("Motivo").fill("Sciopero")
    page.get_by_role("button", name="Annulla la prenotazione").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("annullata")
    context.close()


def test_pages_are_for_everybody(desk: Page, context: BrowserContext, world: World) -> None:
    """As far as axe-core can tell: WCAG 2.1, levels A and AA, which the law on accessibility asks for
    (legge 4/2004, linee guida AgID).
    """
    made = book(world, world.citizen())
    expect(news(desk, made)).to_be_visible(timeout=MILLISECONDS)
    outside = context.browser.new_page(base_url=world.instance.base_url)  # type: ignore[union-attr]
    outside.goto("/portal/sign-in")
    faults = {"sign-in": inaccessible(outside), "live": inaccessible(desk)}
    outside.close()
    for name, address in {
        "day": f"{DESK}/bookings?day={day_of(made)}",
        "booking": f"{DESK}/bookings/{made['id']}",
        "problem": "/portal/cooperatives/nobody/bookings",
    }.items():
        desk.goto(address)
        faults[name] = inaccessible(desk)
    assert faults == {name: [] for name in faults}


def inaccessible(page: Page) -> list[str]:
    page.evaluate(AXE.read_text())
    tags = json.dumps(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"])
    found = page.evaluate(f"axe.run({{runOnly: {tags}}})")
    return [f"{each['id']}: {[node['html'] for node in each['nodes']]}" for each in found["violations"]]
