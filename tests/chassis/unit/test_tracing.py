"""The trace and the request id: continued when well-formed, begun when not, and gone afterwards."""

import contextlib
import re
import threading

import pytest

from services.chassis.tracing import current_trace_id, current_traceparent, known, request_id, start_from

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_outside_any_request_there_is_nothing() -> None:
    assert current_traceparent() is None
    assert current_trace_id() is None
    assert request_id() is None


def test_a_trace_is_continued_and_left_again() -> None:
    assert known(PARENT) == PARENT
    with start_from(PARENT, "request-1"):
        assert current_trace_id() == "0af7651916cd43dd8448eb211c80319c"
        assert current_traceparent() == PARENT
        assert request_id() == "request-1"
    assert current_traceparent() is None
    assert request_id() is None


@pytest.mark.parametrize(
    "traceparent",
    [
        None,
        "",
        "nonsense",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
        PARENT + "\n",
        PARENT + "x" * 1000,
    ],
)
def test_without_a_usable_parent_a_trace_begins(traceparent: str | None) -> None:
    assert known(traceparent) is None
    with start_from(traceparent):
        begun = current_traceparent()
        assert begun is not None
        assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", begun)
        assert "0af7651916cd43dd8448eb211c80319c" not in begun
        assert request_id() == current_trace_id()
    with start_from(traceparent):
        assert current_traceparent() != begun


def test_a_later_version_may_say_more() -> None:
    with start_from("01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more"):
        assert current_trace_id() == "0af7651916cd43dd8448eb211c80319c"


@pytest.mark.parametrize("given", ["", "with space", "line\nbreak", "x" * 129, "città", '"}{'])
def test_a_request_id_that_could_confuse_a_log_is_replaced(given: str) -> None:
    with start_from(PARENT, given):
        assert request_id() == "0af7651916cd43dd8448eb211c80319c"


def test_requests_inside_each_other_and_beside_each_other_do_not_mix() -> None:
    seen: list[str | None] = []
    with start_from(None, "outer"):
        with contextlib.suppress(RuntimeError), start_from(None, "inner"):
            assert request_id() == "inner"
            raise RuntimeError
        assert request_id() == "outer"
        thread = threading.Thread(target=lambda: seen.append(request_id()))
        thread.start()
        thread.join()
    assert seen == [None]
