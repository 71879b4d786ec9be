"""The portal's pages: who is let in, how a session goes on, and what is said when something does not."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from markupsafe import escape

from gateway.portal.cooperative import bookings, desk
from services.chassis.refusal import Forbidden, Refusal, Unavailable
from services.contracts.generated.ambito.catalogue.v1 import catalogue_pb2 as catalogue
from services.contracts.generated.ambito.identity.v1 import identity_pb2 as identity
from services.contracts.generated.ambito.notifications.v1 import notifications_pb2 as notifications
from services.identity.domain.account import LogInRefused
from services.identity.domain.session import SessionEnded
from tests.gateway.conftest import Edge, running

STAFF = "provider_staff:aurora"
DESK = "/portal/cooperatives/aurora"
BOOKING = "01929b6e-7a8b-7c3d-9e4f-5a6b7c8d9e40"
ACCESS, REFRESH = "__Host-ambito-access", "__Host-ambito-refresh"
OWN = {"Sec-Fetch-Site": "same-origin"}


class CursorTooOld(Refusal):
    kind = Forbidden.kind
    type = "feed-cursor-too-old"
    it = "Ripartire dall’inizio."
    en = "Start again."


def booking(**facts: Any) -> catalogue.Booking:
    made = {
        "id": BOOKING,
        "state": "confirmed",
        "service": "sad",
        "provider": "aurora",
        "comune": "L319",
        "minutes": 60,
        "local_start": "2026-12-01T09:00:00+01:00",
    }
    return catalogue.Booking(**{**made, **facts})


@pytest.fixture
def edge(edge: Edge) -> Edge:
    """The gateway, with a cooperative that has one booking."""
    edge.client.cookies.clear()
    service = catalogue.Service(slug="sad", name=catalogue.Text(it="Assistenza domiciliare", en="Home care"))
    edge.services.answers.update(
        GetProvider=catalogue.GetProviderResponse(
            provider=catalogue.Provider(slug="aurora", name="Cooperativa Aurora")
        ),
        ListComuni=catalogue.ListComuniResponse(items=[catalogue.Comune(code="L319", name="Tradate")]),
        SearchServices=catalogue.SearchServicesResponse(items=[service]),
        ListBookings=catalogue.ListBookingsResponse(items=[booking()]),
        GetBooking=catalogue.GetBookingResponse(booking=booking()),
        ReadFeed=notifications.ReadFeedResponse(next_cursor="7"),
        LogOut=identity.LogOutResponse(),
    )
    return edge


def token(edge: Edge, *roles: str, **claims: Any) -> str:
    return edge.token(*(roles or (STAFF,)), **claims)["Authorization"].removeprefix("Bearer ")


def tokens(edge: Edge, *roles: str, refresh: str = "refresh-2") -> identity.Tokens:
    return identity.Tokens(access_token=token(edge, *roles), expires_in_seconds=600, refresh_token=refresh)


def cookies(**given: str) -> dict[str, str]:
    names = {"access": ACCESS, "refresh": REFRESH}
    return {"Cookie": "; ".join(f"{names[name]}={value}" for name, value in given.items())}


def signed_in(edge: Edge, *roles: str) -> dict[str, str]:
    return cookies(access=token(edge, *roles))


def asked(edge: Edge, method: str) -> int:
    return [name for name, *_ in edge.services.calls].count(method)


def set_cookies(answer: httpx.Response) -> dict[str, str]:
    """By name, what is set, with its attributes."""
    return {each.partition("=")[0]: each for each in answer.headers.get_list("set-cookie")}


def log_in(edge: Edge, headers: dict[str, str] = OWN, **fields: str) -> httpx.Response:
    form = {"username": "anna", "password": "secret", **fields}
    return edge.client.post("/portal/sign-in", data=form, headers=headers)


def test_signing_in_leads_to_the_desk_with_cookies_that_no_script_and_no_other_site_has(edge: Edge) -> None:
    edge.services.answers["LogIn"] = identity.LogInResponse(tokens=tokens(edge, refresh="refresh-1"))
    answer = log_in(edge)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{DESK}/bookings")
    given = set_cookies(answer)
    assert given[REFRESH].startswith(f"{REFRESH}=refresh-1;")
    for each in (given[ACCESS], given[REFRESH]):
        attributes = {part.strip().lower() for part in each.split(";")[1:]}
        assert attributes == {"httponly", "secure", "samesite=lax", "path=/"}
    access = given[ACCESS].split(";")[0].partition("=")[2]
    shown = edge.client.get(f"{DESK}/bookings?day=2026-12-01", headers=cookies(access=access))
    assert shown.status_code == 200
    assert "Cooperativa Aurora" in shown.text
    assert "Assistenza domiciliare" in shown.text
    assert "Tradate" in shown.text
    assert re.search(r"09:00–10:00", shown.text)
    assert shown.headers["cache-control"] == "no-store"
    assert "script-src 'self';" in shown.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("refusal", "status", "words"),
    [
        (LogInRefused(), 401, "Nome utente o password non corretti."),
        (Unavailable(retry_after_seconds=2), 503, "momentaneamente"),
    ],
)
def test_why_nobody_is_signed_in_is_said_on_the_form(
    edge: Edge, refusal: Refusal, status: int, words: str
) -> None:
    edge.services.answers["LogIn"] = refusal
    answer = log_in(edge, username="anna<b>")
    assert answer.status_code == status
    assert words in answer.text
    assert 'value="anna&lt;b&gt;"' in answer.text
    assert "secret" not in answer.text
    assert not set_cookies(answer)


def test_who_has_no_desk_gets_no_session(edge: Edge) -> None:
    edge.services.answers["LogIn"] = identity.LogInResponse(tokens=tokens(edge, "citizen:*"))
    answer = log_in(edge)
    assert answer.status_code == 403
    assert "non c’è una scrivania" in answer.text
    assert asked(edge, "LogOut") == 1
    assert all("Max-Age=0" in each for each in set_cookies(answer).values())


@pytest.mark.parametrize(
    ("next", "location"),
    [
        ("/portal/cooperatives/aurora/bookings?day=2026-12-01",) * 2,
        ("https://evil.example/portal/", f"{DESK}/bookings"),
        ("//evil.example", f"{DESK}/bookings"),
    ],
)
def test_after_signing_in_one_is_where_one_wanted_to_be_on_this_portal(
    edge: Edge, next: str, location: str
) -> None:
    edge.services.answers["LogIn"] = identity.LogInResponse(tokens=tokens(edge))
    assert log_in(edge, next=next).headers["location"] == location


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://[bad"},
        {},
    ],
)
@pytest.mark.parametrize(
    "path", ["/portal/sign-in", "/portal/sign-out", f"{DESK}/bookings/{BOOKING}/delivery"]
)
def test_forms_of_other_sites_do_nothing(edge: Edge, headers: dict[str, str], path: str) -> None:
    form = {"username": "anna", "password": "secret", "code": "123456"}
    answer = edge.client.post(path, data=form, headers={**headers, **signed_in(edge)})
    assert answer.status_code == 403
    assert "non proviene da questo portale" in answer.text
    assert not {"LogIn", "LogOut", "RecordDelivery"} & {name for name, *_ in edge.services.calls}


def test_a_browser_that_says_the_origin_only_is_believed(edge: Edge) -> None:
    edge.services.answers["LogIn"] = identity.LogInResponse(tokens=tokens(edge))
    origin = str(edge.client.base_url).rstrip("/")
    assert log_in(edge, headers={"Origin": origin}).status_code == 303


def test_the_api_takes_no_cookies(edge: Edge) -> None:
    answer = edge.client.get("/api/v1/bookings?provider=aurora", headers=signed_in(edge))
    assert answer.status_code == 401


def test_each_takes_its_own_form_of_bodies(edge: Edge) -> None:
    assert edge.client.post("/portal/sign-in", json={}, headers=OWN).status_code == 415
    assert edge.client.post("/api/v1/sessions", data={"username": "anna"}).status_code == 415
    lacking = edge.client.post("/portal/sign-in", data={"username": "anna"}, headers=OWN)
    assert lacking.status_code == 422
    assert "password" in lacking.text


def test_what_the_edge_refuses_is_said_on_a_page_with_all_headers(edge: Edge, tmp_path: Path) -> None:
    large = edge.client.post("/portal/sign-in", data={"username": "a" * 70_000}, headers=OWN)
    assert large.status_code == 413
    with running(tmp_path, requests_per_minute=1) as other:
        other.client.get("/portal/sign-in")
        often = other.client.get("/portal/sign-in")
    assert (often.status_code, int(often.headers["retry-after"]) > 0) == (429, True)
    for answer in (large, often):
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert 'role="alert"' in answer.text
        assert answer.headers["x-request-id"]
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_page_that_is_asked_for_in_a_wrong_way_says_which_are_right(edge: Edge) -> None:
    answer = edge.client.delete("/portal/sign-in")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")


def test_a_fault_of_ours_is_said_on_a_page(edge: Edge) -> None:
    edge.services.answers["GetProvider"] = catalogue.GetProviderResponse()
    edge.services.answers["ListBookings"] = catalogue.ListBookingsResponse(items=[booking(local_start="?")])
    answer = edge.client.get(f"{DESK}/bookings", headers=signed_in(edge))
    assert (answer.status_code, answer.headers["content-type"]) == (500, "text/html; charset=utf-8")
    assert "Errore interno." in answer.text
    assert edge.client.get("/portal/sign-in").status_code == 200  # by the same connection


def test_who_is_not_signed_in_is_asked_to_and_comes_back(edge: Edge) -> None:
    page = edge.client.get(f"{DESK}/bookings?day=2026-12-01")
    assert (page.status_code, page.headers["location"]) == (
        303,
        "/portal/sign-in?next=%2Fportal%2Fcooperatives%2Faurora%2Fbookings%3Fday%3D2026-12-01",
    )
    form = edge.client.get(page.headers["location"])
    assert f'name="next" value="{DESK}/bookings?day=2026-12-01"' in form.text
    part = edge.client.get(f"{DESK}/bookings", headers={"HX-Request": "true"})
    assert (part.status_code, part.headers["hx-redirect"]) == (401, "/portal/sign-in")


def test_a_session_goes_on_when_its_token_has_run_out(edge: Edge) -> None:
    edge.services.answers["RefreshSession"] = lambda raw: identity.RefreshSessionResponse(
        tokens=tokens(edge, refresh=identity.RefreshSessionRequest.FromString(raw).refresh_token + "+")
    )
    old = token(edge, lifetime_seconds=-1)
    answer = edge.client.get(f"{DESK}/bookings", headers=cookies(access=old, refresh="one"))
    assert answer.status_code == 200
    assert set_cookies(answer)[REFRESH].startswith(f"{REFRESH}=one+;")
    assert asked(edge, "RefreshSession") == 1
    again = cookies(access=set_cookies(answer)[ACCESS].split(";")[0].partition("=")[2], refresh="one+")
    assert not set_cookies(edge.client.get(f"{DESK}/bookings", headers=again))
    assert asked(edge, "RefreshSession") == 1


def test_new_tokens_reach_the_browser_with_refusals_too(edge: Edge) -> None:
    edge.services.answers["RefreshSession"] = identity.RefreshSessionResponse(tokens=tokens(edge))
    answer = edge.client.get("/portal/cooperatives/other/bookings", headers=cookies(refresh="one"))
    assert answer.status_code == 403
    assert set_cookies(answer).keys() == {ACCESS, REFRESH}


def test_a_session_that_has_ended_is_forgotten_and_one_that_cannot_be_told_is_not(edge: Edge) -> None:
    edge.services.answers["RefreshSession"] = SessionEnded()
    ended = edge.client.get(f"{DESK}/bookings", headers=cookies(refresh="one"))
    assert ended.status_code == 303
    assert all("Max-Age=0" in each for each in set_cookies(ended).values())
    assert set_cookies(ended).keys() == {ACCESS, REFRESH}
    edge.services.answers["RefreshSession"] = Unavailable(retry_after_seconds=3)
    unknown = edge.client.get(f"{DESK}/bookings", headers=cookies(refresh="one"))
    assert (unknown.status_code, unknown.headers["retry-after"]) == (503, "3")
    assert not set_cookies(unknown)


def test_signing_out_ends_the_session(edge: Edge) -> None:
    answer = edge.client.post("/portal/sign-out", headers={**OWN, **cookies(refresh="one")})
    assert (answer.status_code, answer.headers["location"]) == (303, "/portal/sign-in")
    assert all("Max-Age=0" in each for each in set_cookies(answer).values())
    ((_, raw, *_),) = [call for call in edge.services.calls if call[0] == "LogOut"]
    assert identity.LogOutRequest.FromString(raw).refresh_token == "one"


def test_a_desk_is_for_its_own_cooperative(edge: Edge) -> None:
    for path in ("bookings", f"bookings/{BOOKING}", "live?day=2026-12-01&after=now"):
        answer = edge.client.get(f"/portal/cooperatives/other/{path}", headers=signed_in(edge))
        assert answer.status_code == 403
    for role in ("citizen:*", "provider_client:aurora", "plan_office:tradate"):
        assert edge.client.get(f"{DESK}/bookings", headers=signed_in(edge, role)).status_code == 403


def test_a_day_shows_what_was_made_in_order_and_all_of_it(edge: Edge) -> None:
    def page(raw: bytes) -> catalogue.ListBookingsResponse:
        request = catalogue.ListBookingsRequest.FromString(raw)
        assert (request.from_date, request.to_date) == ("2026-12-01", "2026-12-01")
        if not request.cursor:
            late = booking(id=BOOKING[:-1] + "1", local_start="2026-12-01T15:00:00+01:00", state="cancelled")
            never = booking(id=BOOKING[:-1] + "2", state="lapsed")
            return catalogue.ListBookingsResponse(items=[late, never], next_cursor="more")
        return catalogue.ListBookingsResponse(items=[booking(state="delivered")])

    edge.services.answers["ListBookings"] = page
    headers = {**signed_in(edge), "HX-Request": "true"}
    answer = edge.client.get(f"{DESK}/bookings?day=2026-12-01", headers=headers)
    assert "<html" not in answer.text
    assert re.findall(r"\d\d:\d\d–\d\d:\d\d", answer.text) == ["09:00–10:00", "15:00–16:00"]
    assert re.findall(r"effettuata|annullata|scaduta", answer.text) == ["effettuata", "annullata"]


def test_a_day_with_more_than_can_be_shown_says_so(edge: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (desk, bookings):
        monkeypatch.setattr(module, "MOST_OF_A_DAY", 2)
    for count, said in ((1, False), (2, True)):
        items = [booking(id=BOOKING[:-1] + str(number)) for number in range(count)]
        edge.services.answers["ListBookings"] = lambda _, these=items: catalogue.ListBookingsResponse(
            items=these, next_cursor="more" if len(these) == 2 else ""
        )
        answer = edge.client.get(f"{DESK}/bookings", headers=signed_in(edge))
        assert ("solo le ultime 2 prenotazioni" in answer.text) == said
        assert answer.text.count("data-booking") == count


def test_bookings_are_shown_while_notifications_are_down(edge: Edge) -> None:
    edge.services.answers["ReadFeed"] = Unavailable(retry_after_seconds=1)
    shown = edge.client.get(f"{DESK}/bookings", headers=signed_in(edge))
    assert shown.status_code == 200
    assert "data-booking" in shown.text
    assert "after=now" in shown.text
    assert "event:" not in stream(edge, signed_in(edge), after="now")  # the browser tries again


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{DESK}/bookings?day=yesterday", 422),
        (f"{DESK}/bookings?day=0001-01-01", 422),
        (f"{DESK}/bookings?day=9999-12-31", 422),
        (f"{DESK}/bookings/no-uuid", 422),
        ("/portal/nowhere", 404),
        ("/portal/static/own/../app.py", 404),
        ("/portal/static/htmx/nowhere.js", 404),
    ],
)
def test_what_is_not_there_is_said_on_a_page(edge: Edge, path: str, status: int) -> None:
    answer = edge.client.get(path, headers=signed_in(edge))
    assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert 'role="alert"' in answer.text


@pytest.mark.parametrize(
    ("form", "method", "fields", "refusal"),
    [
        ("delivery", "RecordDelivery", {"code": "12345"}, None),
        ("delivery", "RecordDelivery", {"code": "123456"}, Forbidden()),
        ("cancellation", "CancelBooking", {"reason": '"><b>'}, Forbidden()),
    ],
)
def test_a_form_that_is_refused_comes_back_with_what_was_entered(
    edge: Edge, form: str, method: str, fields: dict[str, str], refusal: Refusal | None
) -> None:
    edge.services.answers[method] = refusal
    headers = {**OWN, **signed_in(edge)}
    answer = edge.client.post(f"{DESK}/bookings/{BOOKING}/{form}", data=fields, headers=headers)
    assert answer.status_code == (403 if refusal else 422)
    assert ("Operazione non consentita." if refusal else "Il codice ha sei cifre.") in answer.text
    assert "<b>" not in answer.text
    (entered,) = fields.values()
    assert f'value="{escape(entered)}"' in answer.text
    assert asked(edge, method) == (refusal is not None)


@pytest.mark.parametrize(
    ("form", "method", "answer", "fields"),
    [
        ("delivery", "RecordDelivery", catalogue.RecordDeliveryResponse(), {"code": " 123 456 "}),
        ("cancellation", "CancelBooking", catalogue.CancelBookingResponse(), {"reason": "neve"}),
    ],
)
def test_a_form_that_is_accepted_shows_the_booking(
    edge: Edge, form: str, method: str, answer: Any, fields: dict[str, str]
) -> None:
    edge.services.answers[method] = answer
    done = edge.client.post(
        f"{DESK}/bookings/{BOOKING}/{form}", data=fields, headers={**OWN, **signed_in(edge)}
    )
    assert (done.status_code, done.headers["location"]) == (303, f"{DESK}/bookings/{BOOKING}")
    ((_, raw, *_),) = [call for call in edge.services.calls if call[0] == method]
    request: Callable[[bytes], Any] = getattr(catalogue, f"{method}Request").FromString
    assert {"123456", "neve"} & {getattr(request(raw), name) for name in fields}


def event(kind: str, cursor: str, subject: str = BOOKING) -> notifications.FeedEvent:
    return notifications.FeedEvent(
        id=BOOKING,
        type=f"ambito.catalogue.booking.{kind}.v1",
        subject=subject,
        cursor=cursor,
        time=Timestamp(),
        data_json="{}",
    )


def stream(edge: Edge, headers: dict[str, str], **query: str) -> str:
    """What comes until the stream ends: no feed can be watched here, so all that is looked for is there."""
    asked_for = {"day": "2026-12-01", "after": "7", **query}
    accept = {"Accept": "text/event-stream"}
    answer = edge.client.get(f"{DESK}/live", params=asked_for, headers={**accept, **headers})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")
    return answer.text


def named(told: str) -> list[str]:
    """Types and places of the messages in a stream."""
    return re.findall(r"^(?:event|id): (.*)$", told, re.MULTILINE)


def test_news_come_as_pieces_of_the_page(edge: Edge) -> None:
    pages = {
        "7": notifications.ReadFeedResponse(
            items=[event("confirmed", "8"), event("rescheduled", "9"), event("cancelled", "10")],
            next_cursor="10",
            more=True,
        ),
        "10": CursorTooOld(),
    }
    edge.services.answers["ReadFeed"] = lambda raw: pages[notifications.ReadFeedRequest.FromString(raw).after]
    told = stream(edge, signed_in(edge))
    assert named(told) == ["news", "10", "day", "ended"]
    assert re.findall(r'data-place="(\d+)"', told) == ["10", "8"]  # the newest first
    assert "Nuova prenotazione" in told
    assert "Ripartire dall’inizio." in told
    assert re.search(r"^retry: \d+$", told, re.MULTILINE)


def test_news_that_come_together_cost_one_question_and_one_of_a_booking_that_is_gone_is_left_out(
    edge: Edge,
) -> None:
    gone = event("confirmed", "10", subject=str(uuid4()))

    def read(raw: bytes) -> Any:
        items = [event("confirmed", "8"), event("delivered", "9"), gone]
        page = notifications.ReadFeedResponse(items=items, next_cursor="10", more=True)
        return page if notifications.ReadFeedRequest.FromString(raw).after == "7" else CursorTooOld()

    edge.services.answers["ReadFeed"] = read
    told = stream(edge, signed_in(edge))
    assert named(told) == ["news", "9", "day", "ended"]
    wanted = [
        catalogue.ListBookingsRequest.FromString(raw)
        for name, raw, *_ in edge.services.calls
        if name == "ListBookings"
    ]
    assert [(each.provider, sorted(each.booking_ids)) for each in wanted] == [
        ("aurora", sorted([BOOKING, gone.subject]))
    ]


def test_a_change_of_another_day_leaves_the_table_alone_and_a_place_goes_before_the_pages(edge: Edge) -> None:
    def read(raw: bytes) -> Any:
        after = notifications.ReadFeedRequest.FromString(raw).after
        page = notifications.ReadFeedResponse(items=[event("confirmed", "9")], next_cursor="9", more=True)
        return page if after == "8" else CursorTooOld()

    edge.services.answers["ReadFeed"] = read
    told = stream(edge, {**signed_in(edge), "Last-Event-ID": "8"}, day="2026-12-02")
    assert re.findall(r"^event: (.*)$", told, re.MULTILINE) == ["news", "ended"]


def test_a_stream_ends_for_good_only_when_it_must(edge: Edge) -> None:
    """A browser comes back to a stream that ended, and to nothing else."""
    assert "event: ended" in stream(edge, {})
    assert "Accedi" in stream(edge, {})
    edge.services.answers["RefreshSession"] = Unavailable(retry_after_seconds=1)
    passing = stream(edge, cookies(refresh="one"))
    assert "event:" not in passing
    assert passing.startswith("retry: ")
    edge.services.answers["ReadFeed"] = CursorTooOld()
    assert "Ricarica la pagina" in stream(edge, signed_in(edge))


def test_a_stream_whose_token_runs_out_ends_so_that_the_browser_comes_back(edge: Edge) -> None:
    first = notifications.ReadFeedResponse(items=[event("confirmed", "8")], next_cursor="8", more=True)
    edge.services.answers["ReadFeed"] = lambda raw: (
        first if notifications.ReadFeedRequest.FromString(raw).after == "7" else SessionEnded()
    )
    told = stream(edge, signed_in(edge))
    assert named(told) == ["news", "8", "day"]


def test_a_stream_whose_bookings_cannot_be_read_ends_where_it_can_go_on(edge: Edge) -> None:
    """catalogue dies in the middle: what was not shown is asked for again, from the last place told."""
    pages = {
        after: notifications.ReadFeedResponse(items=[event("confirmed", at)], next_cursor=at, more=True)
        for after, at in (("7", "8"), ("8", "9"))
    }
    edge.services.answers["ReadFeed"] = lambda raw: pages[notifications.ReadFeedRequest.FromString(raw).after]
    answers = iter([catalogue.ListBookingsResponse(items=[booking()]), Unavailable(retry_after_seconds=1)])
    edge.services.answers["ListBookings"] = lambda _: next(answers)
    assert named(stream(edge, signed_in(edge))) == ["news", "8", "day"]


def test_the_portal_is_found_without_its_last_stroke(edge: Edge) -> None:
    answer = edge.client.get("/portal")
    assert (answer.status_code, answer.headers["location"]) == (308, "/portal/")


def test_static_files_are_there_and_are_asked_for_again(edge: Edge) -> None:
    page = (
        edge.client.get("/portal/sign-in").text
        + edge.client.get(f"{DESK}/bookings", headers=signed_in(edge)).text
    )
    found = set(re.findall(r'(?:href|src)="(/portal/static/[^"]+)"', page))
    assert len(found) == 7
    style = edge.client.get("/portal/static/own/portal.css").text
    for each in found | set(re.findall(r'url\("([^"]+)"\)', style)):
        answer = edge.client.get(each)
        assert answer.status_code == 200, each
        assert answer.headers["cache-control"] == "public, no-cache"
        known = edge.client.get(each, headers={"If-None-Match": answer.headers["etag"]})
        assert known.status_code == 304
