"""Throttles, refresh tokens, usernames and passwords."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.refusal import InvalidField
from services.identity.domain import account
from services.identity.domain.session import Family, Lifetimes, RefreshToken, Verdict, judge
from services.identity.domain.throttle import Allowance, Attempts, TooManyAttempts

NOW = datetime(2026, 11, 23, tzinfo=UTC)
SECOND = timedelta(seconds=1)
ALLOWANCE = Allowance(free=3, longest_wait=timedelta(seconds=10), forgotten_after=timedelta(minutes=5))


def test_the_wait_doubles_up_to_its_longest() -> None:
    waits = [ALLOWANCE.wait_after(number).total_seconds() for number in range(10)]
    assert waits == [0, 0, 0, 0, 1, 2, 4, 8, 10, 10]
    assert ALLOWANCE.wait_after(10**9) == ALLOWANCE.longest_wait


@given(st.lists(st.integers(0, 400), max_size=60))
def test_nothing_is_accepted_during_a_wait_and_a_pause_forgets(pauses: list[int]) -> None:
    now, attempts = NOW, Attempts(0, NOW, NOW)
    for pause in pauses:
        now += timedelta(seconds=pause)
        if now < attempts.blocked_until:
            with pytest.raises(TooManyAttempts) as refused:
                attempts.charged(ALLOWANCE, now)
            assert now + timedelta(seconds=refused.value.retry_after_seconds or 0) >= attempts.blocked_until
            continue
        before, attempts = attempts, attempts.charged(ALLOWANCE, now)
        forgotten = now - before.last_at > ALLOWANCE.forgotten_after
        assert attempts.count == (1 if forgotten else before.count + 1)
        assert attempts.blocked_until == now + ALLOWANCE.wait_after(attempts.count)


@pytest.mark.parametrize(
    ("token", "family", "verdict"),
    [
        (RefreshToken(NOW + SECOND), Family(NOW + SECOND), Verdict.ROTATE),
        (RefreshToken(NOW), Family(NOW + SECOND), Verdict.REFUSE),
        (RefreshToken(NOW + SECOND), Family(NOW), Verdict.REFUSE),
        (RefreshToken(NOW + SECOND), Family(NOW + SECOND, revoked_at=NOW), Verdict.REFUSE),
        (RefreshToken(NOW + SECOND, used_at=NOW - 2 * SECOND), Family(NOW + SECOND), Verdict.END_FAMILY),
        (RefreshToken(NOW - SECOND, used_at=NOW - 2 * SECOND), Family(NOW + SECOND), Verdict.END_FAMILY),
        (RefreshToken(NOW + SECOND, used_at=NOW - SECOND), Family(NOW + SECOND), Verdict.ROTATE),
        (RefreshToken(NOW, used_at=NOW - SECOND), Family(NOW + SECOND), Verdict.REFUSE),
        (RefreshToken(NOW + SECOND, used_at=NOW), Family(NOW + SECOND, revoked_at=NOW), Verdict.REFUSE),
    ],
)
def test_what_to_do_with_a_refresh_token(token: RefreshToken, family: Family, verdict: Verdict) -> None:
    assert judge(token, family, NOW, grace=2 * SECOND) is verdict


def test_a_token_never_outlives_its_family() -> None:
    idle = Lifetimes(absolute=timedelta(days=30), idle=timedelta(hours=8))
    assert idle.token_expiry(NOW, NOW + timedelta(days=1)) == NOW + timedelta(hours=8)
    assert idle.token_expiry(NOW, NOW + timedelta(hours=1)) == NOW + timedelta(hours=1)
    patient = Lifetimes(absolute=timedelta(days=30), idle=None)
    assert patient.token_expiry(NOW, NOW + timedelta(days=9)) == NOW + timedelta(days=9)


@pytest.mark.parametrize("value", ["anna.rossi", " Anna.Rossi@Example.IT ", "123", "op.venegono"])
def test_usernames_are_lower_case(value: str) -> None:
    assert account.username(value) == value.strip().lower()


@pytest.mark.parametrize("value", ["", "ab", "x" * 101, "anna rossi", "ànna", ".anna", "anna\x00"])
def test_bad_usernames(value: str) -> None:
    with pytest.raises(InvalidField) as refused:
        account.username(value)
    assert refused.value.field == "username"


@pytest.mark.parametrize("value", ["short", "x" * 129, "my anna.rossi pass", "aaaaaaaaaaaa", ""])
def test_bad_new_passwords(value: str) -> None:
    with pytest.raises(InvalidField) as refused:
        account.new_password(value, username="anna.rossi")
    assert refused.value.field == "password"


def test_a_password_is_the_same_however_its_accents_are_typed() -> None:
    assert account.password("perche\u0301 no?") == account.password("perch\u00e9 no?")
