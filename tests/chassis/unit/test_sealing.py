"""Sealed text opens only with its key and in its place; the blind index tells nothing without its key."""

import base64
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.sealing import BlindIndex, SealBroken, Sealer

CONTEXT = "identity.person.email"
OLD, NEW = os.urandom(32), os.urandom(32)


@given(st.text(), st.text(max_size=40))
def test_what_was_sealed_opens(text: str, context: str) -> None:
    sealer = Sealer({"a": OLD}, "a")
    assert sealer.open(sealer.seal(text, context), context) == text


def test_sealing_twice_shows_nothing_in_common() -> None:
    sealer = Sealer({"a": OLD}, "a")
    first, second = sealer.seal("Anna Rossi", CONTEXT), sealer.seal("Anna Rossi", CONTEXT)
    assert first != second
    assert first.isascii()
    assert "Anna" not in base64.urlsafe_b64decode(first.split(".")[2]).decode("latin-1")


def test_a_value_moved_to_another_column_does_not_open() -> None:
    sealer = Sealer({"a": OLD}, "a")
    with pytest.raises(SealBroken):
        sealer.open(sealer.seal("x", CONTEXT), "identity.person.phone")


def test_every_changed_character_is_noticed() -> None:
    sealer = Sealer({"a": OLD}, "a")
    token = sealer.seal("Anna", CONTEXT)
    for position, character in enumerate(token):
        for other in "ABCDQgw-_=.":
            if other != character:
                with pytest.raises(SealBroken):
                    sealer.open(token[:position] + other + token[position + 1 :], CONTEXT)


@pytest.mark.parametrize(
    "token", ["", "v1", "v1.a", "v1.a.", "v1.a.AAAA", "v1.a.!!!!", "v1.a.é", "v2.a.AAAA"]
)
def test_nonsense_does_not_open(token: str) -> None:
    with pytest.raises(SealBroken):
        Sealer({"a": OLD}, "a").open(token, CONTEXT)


def test_keys_rotate() -> None:
    sealed_before = Sealer({"2026": OLD}, "2026").seal("Anna", CONTEXT)
    during = Sealer({"2026": OLD, "2027": NEW}, "2027")
    assert during.open(sealed_before, CONTEXT) == "Anna"
    after = Sealer({"2027": NEW}, "2027")
    assert after.open(during.seal("Anna", CONTEXT), CONTEXT) == "Anna"
    with pytest.raises(SealBroken, match="unknown key"):
        after.open(sealed_before, CONTEXT)


def test_a_key_under_another_id_does_not_open() -> None:
    token = Sealer({"a": OLD}, "a").seal("Anna", CONTEXT)
    with pytest.raises(SealBroken):
        Sealer({"b": OLD}, "b").open(token.replace("v1.a.", "v1.b."), CONTEXT)


def test_keys_are_read_from_a_setting_the_current_first() -> None:
    new, old = base64.b64encode(NEW).decode(), base64.urlsafe_b64encode(OLD).decode().rstrip("=")
    sealer = Sealer.parse(f"2027:{new}, 2026:{old}")
    assert sealer.seal("x", CONTEXT).startswith("v1.2027.")
    assert sealer.open(Sealer({"2026": OLD}, "2026").seal("x", CONTEXT), CONTEXT) == "x"


@pytest.mark.parametrize("setting", ["", "a", "a:", "a:c2hvcnQ=", "a:secret!!", ":AAAA"])
def test_a_malformed_setting_is_refused_without_repeating_it(setting: str) -> None:
    with pytest.raises(ValueError, match=r"key|keys") as caught:
        Sealer.parse(setting)
    assert "secret" not in str(caught.value)
    assert "c2hvcnQ" not in str(caught.value)


def test_two_keys_with_one_id_are_refused() -> None:
    key = base64.b64encode(NEW).decode()
    with pytest.raises(ValueError, match="different ids"):
        Sealer.parse(f"a:{key},a:{key}")


def test_the_current_key_must_be_known() -> None:
    with pytest.raises(ValueError, match="current"):
        Sealer({"a": OLD}, "b")


def test_equal_values_have_equal_indexes_within_one_context_and_key_only() -> None:
    index = BlindIndex(OLD)
    found = index.of("RSSMRA80A01L319X", "identity.person.codice_fiscale")
    assert len(found) == 32
    assert index.of("RSSMRA80A01L319X", "identity.person.codice_fiscale") == found
    assert index.of("RSSMRA80A01L319Y", "identity.person.codice_fiscale") != found
    assert index.of("RSSMRA80A01L319X", "identity.account.login") != found
    assert BlindIndex(NEW).of("RSSMRA80A01L319X", "identity.person.codice_fiscale") != found


def test_context_and_text_cannot_be_shifted_into_each_other() -> None:
    index = BlindIndex(OLD)
    assert index.of("bc", "a") != index.of("c", "ab")


def test_an_index_key_has_32_bytes() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        BlindIndex(b"short")
    assert BlindIndex.parse(base64.b64encode(OLD).decode()).of("a", "b") == BlindIndex(OLD).of("a", "b")
