"""Signing in, refreshing and out; throttles."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Barrier

import jwt
import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher

from services.chassis.refusal import InvalidField, Refusal
from services.identity.application import purge
from services.identity.application.authenticate_client import authenticate_client
from services.identity.application.disable_clients import disable_clients
from services.identity.application.enable_clients import enable_clients
from services.identity.application.log_in import LoggedIn, log_in
from services.identity.application.log_out import log_out
from services.identity.application.passwords import Passwords
from services.identity.application.refresh_session import refresh_session
from services.identity.domain.account import ClientRefused, LogInRefused
from services.identity.domain.session import SessionEnded
from services.identity.domain.throttle import BY_ADDRESS, BY_TARGET, TooManyAttempts
from services.identity.persistence import territory
from services.identity.persistence.tables import account, session, throttle
from tests.identity.world import GRACE, NOW, PASSWORD, World


def sign_in(
    world: World, username: str = "anna", password: str = PASSWORD, address: str | None = None
) -> LoggedIn:
    return log_in(world.parts, username=username, password=password, client_address=address)


def claims(token: str) -> dict[str, object]:
    return jwt.decode(token, options={"verify_signature": False})


def test_a_person_gets_a_token_that_says_who_she_is(world: World) -> None:
    person = world.registered(username="anna")
    done = sign_in(world, "ANNA")
    said = claims(done.tokens.access_token)
    assert (said["person"], said["roles"], said["acting_for"]) == (str(person.id), ["citizen:*"], {})
    assert said["exp"] - said["iat"] == done.tokens.expires_in_seconds == 600  # type: ignore[operator]
    assert done.display_name == person.details.full_name
    assert done.roles == {"citizen:*"}


def test_staff_get_their_roles_and_no_person(world: World) -> None:
    world.staff("social_worker:L319", "comune_officer:L319")
    done = sign_in(world, "staff1")
    said = claims(done.tokens.access_token)
    assert said["roles"] == ["comune_officer:L319", "social_worker:L319"]
    assert "person" not in said
    assert "acting_for" not in said
    assert (done.person_id, done.display_name) == (None, "Marta Galli")


def test_an_unknown_user_and_a_wrong_password_have_one_answer(world: World) -> None:
    world.registered(username="anna")

    def answer(username: str) -> tuple[object, ...]:
        with pytest.raises(Refusal) as refused:
            sign_in(world, username, "wrong password")
        return type(refused.value), refused.value.field, refused.value.message("it"), refused.value.facts

    assert answer("anna") == answer("nobody")


def test_an_unknown_user_costs_one_verification_as_well(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.registered(username="anna")
    verified: list[str] = []
    hasher = world.parts.passwords._hasher
    real = type(hasher).verify

    def seen(self: PasswordHasher, hashed: str, password: str) -> bool:
        verified.append(hashed)
        return real(self, hashed, password)

    monkeypatch.setattr(type(hasher), "verify", seen)
    for username in ("anna", "nobody"):
        with pytest.raises(LogInRefused):
            sign_in(world, username, "wrong password")
    known, unknown = (hashed.split("$")[1:4] for hashed in verified)
    assert known == unknown, "same algorithm and parameters"


def test_the_usual_parameters_are_those_of_owasp(world: World) -> None:
    from services.identity.settings import IdentitySettings

    settings = IdentitySettings(database_url="")
    hashed = Passwords(
        memory_kib=settings.argon2_memory_kib,
        iterations=settings.argon2_iterations,
        parallelism=settings.argon2_parallelism,
        concurrent=1,
    ).hash(PASSWORD)
    assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_a_hash_with_old_parameters_is_renewed_at_the_next_sign_in(world: World) -> None:
    world.registered(username="anna")
    old = Passwords(memory_kib=16, iterations=2, parallelism=1, concurrent=1).hash(PASSWORD)
    with world.database.transaction() as connection:
        connection.execute(sa.update(account).values(password_hash=old))
    sign_in(world)
    renewed = world.rows(account)[0].password_hash
    assert "m=8,t=1" in renewed
    sign_in(world)
    assert world.rows(account)[0].password_hash == renewed


def test_no_transaction_is_open_while_a_password_is_hashed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.registered(username="anna")
    real = Passwords.verify

    def verify(self: Passwords, password: str, hashed: str | None) -> bool:
        assert world.database.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
        return real(self, password, hashed)

    monkeypatch.setattr(Passwords, "verify", verify)
    sign_in(world)


def test_guesses_wait_twice_as_long_each_time_for_unknown_users_too(world: World) -> None:
    world.registered(username="anna")
    for username in ("anna", "nobody"):
        waits = []
        for number in range(1, BY_TARGET.free + 12):
            with pytest.raises(LogInRefused):
                sign_in(world, username, "wrong password")
            if number > BY_TARGET.free:
                with pytest.raises(TooManyAttempts) as refused:
                    sign_in(world, username, "wrong password")
                waits.append(refused.value.retry_after_seconds or 0)
                world.clock.advance(timedelta(seconds=waits[-1]))
        assert waits[:5] == [1, 2, 4, 8, 16]
        assert max(waits) == 300


def test_while_throttled_even_the_right_password_waits_and_then_clears(world: World) -> None:
    world.registered(username="anna")
    for _ in range(BY_TARGET.free + 1):
        with pytest.raises(LogInRefused):
            sign_in(world, password="wrong password")
    with pytest.raises(TooManyAttempts):
        sign_in(world)
    world.clock.advance(timedelta(seconds=1))
    sign_in(world)
    assert world.count(throttle) == 0


def test_many_guesses_at_once_are_all_counted(world: World) -> None:
    world.registered(username="anna")
    together = Barrier(20)

    def guess(_: int) -> type[Refusal]:
        together.wait()
        with pytest.raises(Refusal) as refused:
            sign_in(world, password="wrong password")
        return type(refused.value)

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(guess, range(20)))
    assert answers.count(LogInRefused) == BY_TARGET.free + 1


def test_an_address_is_throttled_whatever_it_tries(world: World) -> None:
    world.registered(username="anna")
    for number in range(BY_ADDRESS.free + 1):
        with pytest.raises(LogInRefused):
            sign_in(world, f"user{number}", "wrong password", "192.0.2.1")
    with pytest.raises(TooManyAttempts):
        sign_in(world, address="192.0.2.1")
    sign_in(world, address="192.0.2.2")


def test_right_attempts_do_not_clear_an_addresss_wrong_ones(world: World) -> None:
    world.registered(username="anna")
    for number in range(5):
        with pytest.raises(LogInRefused):
            sign_in(world, f"user{number}", "wrong password", "192.0.2.1")
        sign_in(world, address="192.0.2.1")
    index = world.parts.data.index_throttle("address", "192.0.2.1")
    assert world.rows(throttle, throttle.c.key_index == index)[0].attempts == 5


def test_rows_about_attempts_are_bounded(world: World) -> None:
    for number in range(12):
        with pytest.raises(LogInRefused):
            sign_in(world, f"user{number}", "wrong password")
        world.clock.advance(timedelta(seconds=1))
    assert purge.purge_throttles(world.database, world.clock, most_rows=10) == 2
    oldest = world.parts.data.index_throttle("log-in", "user0")
    assert world.rows(throttle, throttle.c.key_index == oldest) == []
    world.clock.advance(timedelta(hours=2))
    assert purge.purge_throttles(world.database, world.clock, most_rows=10) == 10


def test_a_closed_account_does_not_sign_in_and_its_session_ends(world: World) -> None:
    staff = world.staff("social_worker:L319")
    done = sign_in(world, "staff1")
    with world.database.transaction() as connection:
        (row,) = world.rows(account, sa.cast(account.c.id, sa.Text) == staff.subject)
        territory.close_staff(connection, [row.id], NOW)
    with pytest.raises(LogInRefused):
        sign_in(world, "staff1")
    with pytest.raises(SessionEnded):
        refresh_session(world.parts, refresh_token=done.tokens.refresh_token)


@pytest.mark.parametrize(
    ("username", "password", "field"),
    [("", PASSWORD, "username"), ("anna", "", "password"), ("anna", "x" * 129, "password")],
)
def test_malformed_credentials_are_named(world: World, username: str, password: str, field: str) -> None:
    with pytest.raises(InvalidField) as refused:
        sign_in(world, username, password)
    assert refused.value.field == field


def test_a_refresh_token_that_comes_again_later_ends_the_session(world: World) -> None:
    world.registered(username="anna")
    first = sign_in(world).tokens.refresh_token
    second = refresh_session(world.parts, refresh_token=first).refresh_token
    world.clock.advance(GRACE)
    third = refresh_session(world.parts, refresh_token=second).refresh_token
    assert len({first, second, third}) == 3
    with pytest.raises(SessionEnded):
        refresh_session(world.parts, refresh_token=first)
    with pytest.raises(SessionEnded):
        refresh_session(world.parts, refresh_token=third)
    assert world.rows(session)[0].revoked_because == "refresh token used twice"


def test_two_pages_that_refresh_at_once_go_on_both(world: World) -> None:
    world.registered(username="anna")
    token = sign_in(world).tokens.refresh_token
    one = refresh_session(world.parts, refresh_token=token).refresh_token
    world.clock.advance(GRACE - timedelta(seconds=1))
    other = refresh_session(world.parts, refresh_token=token).refresh_token
    world.clock.advance(timedelta(seconds=1))
    assert refresh_session(world.parts, refresh_token=one).refresh_token
    assert refresh_session(world.parts, refresh_token=other).refresh_token
    with pytest.raises(SessionEnded):  # the second time did not lengthen the grace
        refresh_session(world.parts, refresh_token=token)


def test_of_several_at_once_with_one_token_one_gets_through_and_the_family_ends(world: World) -> None:
    without_grace = replace(world.parts, policy=replace(world.parts.policy, refresh_grace=timedelta(0)))
    world.registered(username="anna")
    token = sign_in(world).tokens.refresh_token
    together = Barrier(10)

    def refresh(_: int) -> str | None:
        together.wait()
        try:
            return refresh_session(without_grace, refresh_token=token).refresh_token
        except SessionEnded:
            return None

    with ThreadPoolExecutor(10) as pool:
        got = [each for each in pool.map(refresh, range(10)) if each is not None]
    assert len(got) == 1
    with pytest.raises(SessionEnded):
        refresh_session(without_grace, refresh_token=got[0])


def test_signing_out_ends_this_session_and_no_other(world: World) -> None:
    world.registered(username="anna")
    here, there = sign_in(world).tokens.refresh_token, sign_in(world).tokens.refresh_token
    log_out(world.parts, refresh_token=here)
    log_out(world.parts, refresh_token="never issued")
    with pytest.raises(SessionEnded):
        refresh_session(world.parts, refresh_token=here)
    assert refresh_session(world.parts, refresh_token=there).refresh_token


def test_a_client_signs_in_with_its_own_secret_only(world: World, tmp_path: Path) -> None:
    with world.database.transaction() as connection:
        for client in ("casa-tiglio-it", "filo-di-lana-it"):
            territory.save_client(
                connection,
                client_id=client,
                provider=client.removesuffix("-it"),
                name=client,
                secret_index=world.parts.data.index_secret(f"secret of {client}", client),
            )
    tokens = authenticate_client(
        world.parts, client_id="casa-tiglio-it", client_secret="secret of casa-tiglio-it"
    )
    said = claims(tokens.access_token)
    assert (said["sub"], said["roles"]) == ("casa-tiglio-it", ["provider_client:casa-tiglio"])
    assert tokens.refresh_token == ""
    for client, secret in (("casa-tiglio-it", "secret of filo-di-lana-it"), ("nobody", "secret"), ("", "")):
        with pytest.raises(ClientRefused):
            authenticate_client(world.parts, client_id=client, client_secret=secret)


def test_clients_of_a_disabled_cooperative_are_shut_out_until_it_is_enabled(world: World) -> None:
    def known(client: str) -> None:
        with world.database.transaction() as connection:
            territory.save_client(
                connection,
                client_id=client,
                provider="casa-tiglio",
                name=client,
                secret_index=world.parts.data.index_secret(f"secret of {client}", client),
            )

    def signs_in(client: str) -> bool:
        try:
            authenticate_client(world.parts, client_id=client, client_secret=f"secret of {client}")
        except ClientRefused:
            return False
        return True

    known("casa-tiglio-it")
    assert disable_clients(world.database, world.clock, "casa-tiglio")
    assert not disable_clients(world.database, world.clock, "casa-tiglio"), "it was"
    known("casa-tiglio-it")  # as every later load does
    known("casa-tiglio-new")
    assert [signs_in("casa-tiglio-it"), signs_in("casa-tiglio-new")] == [False, False]
    assert not enable_clients(world.database, "filo-di-lana"), "nobody had disabled it"
    assert enable_clients(world.database, "casa-tiglio")
    assert [signs_in("casa-tiglio-it"), signs_in("casa-tiglio-new")] == [True, True]
