"""Whom the demo and the tests invent."""

import secrets

import pytest

from deploy.demo import cast


def test_nobody_is_invented_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    days = iter([0, 0, 0, 1, 0])  # birthday and house number; birthday, another, house number
    monkeypatch.setattr(secrets, "choice", lambda names: names[0])
    monkeypatch.setattr(secrets, "randbelow", lambda _: next(days))
    monkeypatch.setattr(cast, "_known", set())
    first, second = (cast.daughter("L319").details for _ in range(2))
    assert (first["birth_date"], second["birth_date"]) == ("1962-01-01", "1962-01-02")
    assert first["codice_fiscale"] != second["codice_fiscale"]
