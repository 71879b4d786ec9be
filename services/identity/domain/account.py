"""Accounts: usernames, passwords, and the one answer to everything that is wrong with them."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from services.chassis.refusal import InvalidField, Kind, Refusal

SHORTEST_PASSWORD: Final = 10
LONGEST_PASSWORD: Final = 128
_USERNAME = re.compile(r"[a-z0-9][a-z0-9._+@-]{2,99}")


class LogInRefused(Refusal):
    """Unknown username, wrong password or closed account: which of them is not said."""

    kind = Kind.UNAUTHENTICATED
    type = "log-in-refused"
    it = "Nome utente o password non corretti."
    en = "Wrong username or password."


class ClientRefused(Refusal):
    """Unknown client, wrong secret or closed client: which of them is not said."""

    kind = Kind.UNAUTHENTICATED
    type = "client-refused"
    it = "Credenziali del client non corrette."
    en = "Wrong client credentials."


class UsernameTaken(Refusal):
    """Another account has this username."""

    kind = Kind.ALREADY_EXISTS
    type = "username-taken"
    it = "Questo nome utente è già in uso: sceglierne un altro."
    en = "This username is in use: choose another one."

    def __init__(self) -> None:
        super().__init__(field="username")


def username(value: str) -> str:
    """A username in its normal form, lower case; an e-mail address is one too.

    :raises InvalidField: not 3 to 100 of the letters a–z, digits and . _ + @ -
    """
    result = value.strip().lower()
    if not _USERNAME.fullmatch(result):
        raise InvalidField(
            field="username",
            it="Deve avere da 3 a 100 caratteri: lettere senza accenti, cifre e . _ + @ -",
            en="It must have 3 to 100 characters: letters without accents, digits and . _ + @ -",
        )
    return result


def password(value: str) -> str:
    """A password as it is hashed (NFC), whoever chose it.

    :raises InvalidField: empty or longer than :data:`LONGEST_PASSWORD`
    """
    result = unicodedata.normalize("NFC", value)
    if not result or len(result) > LONGEST_PASSWORD:
        raise InvalidField(
            field="password",
            it="La password deve avere da 1 a {longest} caratteri.",
            en="The password must have 1 to {longest} characters.",
            longest=LONGEST_PASSWORD,
        )
    return result


def new_password(value: str, *, username: str) -> str:
    """A password that somebody chooses now: long enough, and not made of the username.

    :raises InvalidField: shorter than :data:`SHORTEST_PASSWORD`, too long, or containing the username
    """
    result = password(value)
    if len(result) < SHORTEST_PASSWORD:
        raise InvalidField(
            field="password",
            it="La password deve avere almeno {shortest} caratteri.",
            en="The password must have at least {shortest} characters.",
            shortest=SHORTEST_PASSWORD,
        )
    if username in result.lower() or len(set(result)) < 4:
        raise InvalidField(
            field="password",
            it="La password è troppo facile da indovinare.",
            en="The password is too easy to guess.",
        )
    return result
