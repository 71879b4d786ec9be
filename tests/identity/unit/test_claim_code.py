import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.identity.domain.claim import Claim, Outcome, code_from, same_code

NOW = datetime(2026, 11, 23, tzinfo=UTC)
digests = st.binary(min_size=32, max_size=32)


@given(digests)
def test_a_code_is_sixteen_letters_that_are_not_confused(digest: bytes) -> None:
    assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){3}", code_from(digest))


@given(digests, digests)
def test_different_bits_give_different_codes(one: bytes, other: bytes) -> None:
    assert (code_from(one) == code_from(other)) == (one[:10] == other[:10])


def test_the_code_of_known_bits() -> None:
    assert code_from(bytes(32)) == "0000-0000-0000-0000"
    assert code_from(b"\xff" * 32) == "ZZZZ-ZZZZ-ZZZZ-ZZZZ"
    assert code_from(bytes(9) + b"\x01" + bytes(22)) == "0000-0000-0000-0001"


@pytest.mark.parametrize("typed", ["7k3m 9qxt 01ab cdef", "7K3M9QXTOIABCDEF", " 7K3M-9QXT-olAB-CDEF "])
def test_handwriting_is_forgiven(typed: str) -> None:
    assert same_code(typed, "7K3M-9QXT-01AB-CDEF")


@pytest.mark.parametrize(
    "typed", ["", "7K3M-9QXT-01AB-CDEG", "7K3M-9QXT-01AB-CDE", "7K3M-9QXT-01AB-CDEFF", "７K3M"]
)
def test_another_code_is_another_code(typed: str) -> None:
    assert not same_code(typed, "7K3M-9QXT-01AB-CDEF")


@pytest.mark.parametrize(
    ("claim", "right", "outcome"),
    [
        (Claim(NOW + timedelta(seconds=1), 1), True, Outcome.ACCEPTED),
        (Claim(NOW + timedelta(seconds=1), 1), False, Outcome.WRONG),
        (Claim(NOW, 1), True, Outcome.EXPIRED),
        (Claim(NOW, 1), False, Outcome.WRONG),
        (Claim(NOW + timedelta(1), 1, NOW), True, Outcome.USED),
        (Claim(NOW - timedelta(1), 1, NOW), True, Outcome.USED),
        (Claim(NOW + timedelta(1), 0), True, Outcome.WRONG),
        (Claim(NOW + timedelta(1), 0, NOW), True, Outcome.WRONG),
    ],
)
def test_what_presenting_leads_to(claim: Claim, right: bool, outcome: Outcome) -> None:
    assert claim.present(right, NOW) is outcome
