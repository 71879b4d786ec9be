"""Counting requests in windows of a minute."""

from gateway.rates import Rate, Rates


def test_a_new_minute_forgets_the_one_before() -> None:
    now = 119.5
    rates = Rates(2, lambda: now)
    assert [rates.take("a") for _ in range(3)] == [
        Rate(2, 1, 1, exceeded=False),
        Rate(2, 0, 1, exceeded=False),
        Rate(2, 0, 1, exceeded=True),
    ]
    now = 120.0
    assert rates.take("a") == Rate(2, 1, 60, exceeded=False)
