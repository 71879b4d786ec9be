"""The codice fiscale: published and hand-computed vectors, bad input, properties over generated persons."""

from __future__ import annotations

import contextlib
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.refusal import Kind
from services.identity.domain.codice_fiscale import (
    CodiceFiscale,
    Sex,
    check_declared,
    encode,
    normalise,
    omocodic_variants,
    parse,
    provisional,
)
from services.identity.domain.codice_fiscale_refusals import (
    BirthDateMismatch,
    CodiceFiscaleRefused,
    ImpossibleBirthDate,
    MalformedCodiceFiscale,
    NotEncodable,
    SexMismatch,
    WrongCheckCharacter,
)

Person = tuple[str, str, date, Sex, str]
PERSONS: list[tuple[Person, str]] = [
    (("Rossi", "Mario", date(1975, 3, 22), Sex.MALE, "H501"), "RSSMRA75C22H501I"),
    (("Rossi", "Mario", date(1942, 3, 15), Sex.MALE, "L319"), "RSSMRA42C15L319Y"),
    (("Bianchi", "Maria", date(1938, 12, 1), Sex.FEMALE, "L682"), "BNCMRA38T41L682G"),
    (("El Amrani", "Fatima", date(1985, 7, 20), Sex.FEMALE, "Z330"), "LMRFTM85L60Z330W"),
    (("Fo", "Io", date(1950, 1, 31), Sex.MALE, "C273"), "FOXIOX50A31C273C"),
    (("D'Amicò", "Gianfranco", date(1961, 10, 9), Sex.MALE, "L733"), "DMCGFR61R09L733N"),
    (("Ùxi", "Éva", date(1919, 5, 30), Sex.FEMALE, "E104"), "XUIVEA19E70E104D"),
]
OMOCODIC_LEVELS = [
    "RSSMRA42C15L31VN",
    "RSSMRA42C15L3MVY",
    "RSSMRA42C15LPMVU",
    "RSSMRA42C1RLPMVP",
    "RSSMRA42CMRLPMVA",
    "RSSMRA4NCMRLPMVL",
    "RSSMRAQNCMRLPMVI",
]

names = st.text(alphabet=st.sampled_from("abcdeioulmnrstxzàèìòùöüßñ' -"), min_size=1).filter(
    lambda text: any(map(str.isalpha, text))
)
persons = st.builds(
    encode,
    names,
    names,
    st.dates(date(1900, 1, 1), date(2030, 12, 31)),
    st.sampled_from(Sex),
    st.from_regex(r"[A-MZ][0-9]{3}", fullmatch=True),
)


@pytest.mark.parametrize(("person", "code"), PERSONS)
def test_computes_the_code_of_known_persons(person: Person, code: str) -> None:
    assert encode(*person).value == code


@pytest.mark.parametrize(("person", "code"), PERSONS)
def test_reads_back_what_a_code_says(person: Person, code: str) -> None:
    _, _, born, sex, place = person
    read = parse(code)
    assert (read.sex, read.birthplace, read.is_provisional, read.is_omocodic) == (sex, place, False, False)
    assert read.birth_day == (born.year % 100, born.month, born.day)
    check_declared(read, birth_date=born, sex=sex)


@pytest.mark.parametrize(("level", "code"), list(enumerate(OMOCODIC_LEVELS, start=1)))
def test_omocodic_code_is_valid_and_another_persons(level: int, code: str) -> None:
    read = parse(code)
    original = parse("RSSMRA42C15L319Y")
    assert read.is_omocodic
    assert read.plain == original.value
    assert read != original
    assert (read.birth_day, read.sex, read.birthplace) == ((42, 3, 15), Sex.MALE, "L319")
    variants = omocodic_variants(original)
    first_of_level = next(v for v in variants if _replaced(v.value, original.value) == level)
    assert first_of_level.value == code


def test_there_are_127_distinct_omocodic_variants() -> None:
    original = parse("RSSMRA42C15L319Y")
    variants = omocodic_variants(original)
    assert len(set(variants)) == 127
    assert original not in variants
    assert omocodic_variants(variants[50]) == variants


def test_omocodic_day_of_a_woman() -> None:
    code = omocodic_variants(parse("BNCMRA38T41L682G"))[-1]
    assert code.sex is Sex.FEMALE
    assert code.birth_day == (38, 12, 1)


def test_provisional_code_is_a_person_without_birth_data() -> None:
    code = parse(" 12345 670124 ")
    assert code == provisional(1234567012)
    assert code.value == "12345670124"
    assert code.is_provisional
    assert (code.sex, code.birthplace, code.birth_day, code.plain) == (None, None, None, "12345670124")
    assert omocodic_variants(code) == ()
    check_declared(code, birth_date=date(1990, 1, 1), sex=Sex.FEMALE)


@pytest.mark.parametrize(
    "text", ["rssmra42c15l319y", " RSSMRA42C15L319Y ", "RSS MRA 42C15 L319Y", "RSSMRA42C15\nL319Y"]
)
def test_normalises_what_people_type(text: str) -> None:
    assert parse(text).value == "RSSMRA42C15L319Y"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", MalformedCodiceFiscale),
        ("RSSMRA42C15L319", MalformedCodiceFiscale),
        ("RSSMRA42C15L319YY", MalformedCodiceFiscale),
        ("RSSMRA42F15L319Y", MalformedCodiceFiscale),  # F is no month
        ("RSSMRA4AC15L319Y", MalformedCodiceFiscale),  # A replaces no digit
        ("1SSMRA42C15L319Y", MalformedCodiceFiscale),
        ("ᏒSSMRA42C15L319Y", MalformedCodiceFiscale),
        ("RSSMRA４２C15L319Y", MalformedCodiceFiscale),  # full-width digits
        ("RSSMRA42C15L3ı9Y", MalformedCodiceFiscale),
        ("1234567012", MalformedCodiceFiscale),
        ("00000000000", MalformedCodiceFiscale),
        ("RSSMRA42C15L319Z", WrongCheckCharacter),
        ("RSSMRA42C15L31VY", WrongCheckCharacter),
        ("12345670125", WrongCheckCharacter),
        ("RSSMRA42D31L319V", ImpossibleBirthDate),  # 31 April
        ("RSSMRA43B29L319V", ImpossibleBirthDate),  # 1943 and 2043 are no leap years
        ("RSSMRA42C00L319V", ImpossibleBirthDate),
        ("RSSMRA42C72L319V", ImpossibleBirthDate),
        ("RSSMRA42C40L319V", ImpossibleBirthDate),
    ],
)
def test_refuses_bad_codes_with_the_exact_reason(text: str, error: type[CodiceFiscaleRefused]) -> None:
    if error is ImpossibleBirthDate:
        text = _with_right_check_letter(text)
    with pytest.raises(CodiceFiscaleRefused) as caught:
        parse(text, field="delegate.codice_fiscale")
    refusal = caught.value
    assert type(refusal) is error
    assert refusal.kind is Kind.INVALID
    assert refusal.field == "delegate.codice_fiscale"
    assert refusal.message("it") != refusal.message("en")
    if text:
        assert text not in str(refusal)
        assert text not in refusal.message("it") + refusal.message("en")


def test_29_february_is_possible_when_the_year_was_a_leap_year_in_some_century() -> None:
    assert parse(encode("Rossi", "Mario", date(2000, 2, 29), Sex.MALE, "L319").value).birth_day == (0, 2, 29)
    assert parse(encode("Rossi", "Mario", date(1944, 2, 29), Sex.FEMALE, "L319").value).birth_day == (
        44,
        2,
        29,
    )


def test_a_centenarian_and_a_child_can_have_the_same_code() -> None:
    code = parse("XUIVEA19E70E104D")
    check_declared(code, birth_date=date(1919, 5, 30), sex=Sex.FEMALE)
    check_declared(code, birth_date=date(2019, 5, 30), sex=Sex.FEMALE)


@pytest.mark.parametrize("born", [date(1943, 3, 15), date(1942, 4, 15), date(1942, 3, 16)])
def test_refuses_another_declared_birth_date(born: date) -> None:
    with pytest.raises(BirthDateMismatch):
        check_declared(parse("RSSMRA42C15L31VN"), birth_date=born, sex=Sex.MALE)


def test_refuses_another_declared_sex() -> None:
    with pytest.raises(SexMismatch):
        check_declared(parse("RSSMRA42C15L319Y"), birth_date=date(1942, 3, 15), sex=Sex.FEMALE)


@pytest.mark.parametrize(
    ("family", "given_", "expected"),
    [
        ("Müller", "Jörg", "MLLJRG"),
        ("Öz", "Ayşe", "ZOEYSA"),
        ("O\u0308z", "Ayşe", "ZOEYSA"),  # decomposed umlaut
        ("Weiß", "Łucja", "WSSLCJ"),
        ("De' Rossi-Bo", "Anna Maria", "DRSNMR"),
        ("Re", "Al", "REXLAX"),
    ],
)
def test_transliterates_names(family: str, given_: str, expected: str) -> None:
    assert encode(family, given_, date(1980, 1, 1), Sex.MALE, "Z112").value[:6] == expected


@pytest.mark.parametrize(
    ("family", "given_", "place", "field"),
    [
        ("Шевченко", "Anna", "Z138", "family_name"),
        ("Rossi", "...", "Z138", "given_name"),
        ("Rossi", "Anna", "L31", "birthplace"),
        ("Rossi", "Anna", "012127", "birthplace"),
    ],
)
def test_refuses_to_compute_from_unusable_data(family: str, given_: str, place: str, field: str) -> None:
    with pytest.raises(NotEncodable) as caught:
        encode(family, given_, date(1980, 1, 1), Sex.FEMALE, place)
    assert caught.value.field == field


def test_repr_hides_the_code() -> None:
    assert "RSS" not in repr(parse("RSSMRA42C15L319Y"))


@given(persons)
def test_every_computed_code_is_valid_and_reads_back_as_itself(code: CodiceFiscale) -> None:
    assert parse(code.value.lower()) == code
    assert not code.is_omocodic


@given(persons, st.integers(0, 126))
def test_every_variant_is_valid_and_keeps_the_data(code: CodiceFiscale, index: int) -> None:
    variant = omocodic_variants(code)[index]
    assert parse(variant.value) == variant
    assert variant.is_omocodic
    assert (variant.plain, variant.sex, variant.birthplace, variant.birth_day) == (
        code.value,
        code.sex,
        code.birthplace,
        code.birth_day,
    )


@given(persons, st.integers(0, 14), st.sampled_from("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
def test_a_digit_mistyped_as_another_digit_is_always_noticed(
    code: CodiceFiscale, position: int, typed: str
) -> None:
    """In one place, two digits never weigh the same, nor do two letters; a digit and a letter can."""
    old = code.value[position]
    if typed == old or typed.isdigit() != old.isdigit():
        return
    with pytest.raises(CodiceFiscaleRefused):
        parse(code.value[:position] + typed + code.value[position + 1 :])


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(CodiceFiscaleRefused):
        assert parse(text).value == normalise(text)


def _replaced(variant: str, original: str) -> int:
    return sum(a != b for a, b in zip(variant[:15], original[:15], strict=True))


def _with_right_check_letter(code: str) -> str:
    for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ":
        try:
            parse(code[:15] + letter)
        except WrongCheckCharacter:
            continue
        except ImpossibleBirthDate:
            return code[:15] + letter
    raise AssertionError(f"{code} is refused for another reason")
