"""What a cooperative is told, and how commands that fail are told from commands that find something."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from deploy.operating import checks_of_data
from deploy.operating.handover import Addresses, handover, in_words, require_new, write_privately
from deploy.operating.installation import Done, Installation, OperationError

ADDRESSES = Addresses("https://portale.example.it/", "amqps://portale.example.it:5671")
BROKER = {"user": "coop-aurora", "password": "a/b c", "vhost": "ambito", "queue": "coop.aurora"}
CLIENT = {"client_id": "aurora-gestionale", "client_secret": "abcd-efgh"}


def test_a_cooperative_is_told_where_to_connect_and_with_what() -> None:
    credentials = {"cooperative": "aurora", "broker": BROKER, "api_clients": [CLIENT]}
    document = handover(
        ADDRESSES, credentials, [{"url": "https://x.it/", "secret": "whsec_1", "grace_hours": 2}]
    )
    assert document["queue"] == {
        "name": "coop.aurora",
        "amqp_url": "amqps://coop-aurora:a%2Fb%20c@portale.example.it:5671/ambito",
    }
    assert document["api"] == {
        "clients": [CLIENT],
        "token_url": "https://portale.example.it/api/v1/client-sessions",
        "feed_url": "https://portale.example.it/api/v1/events",
    }
    told = dict(in_words(document))
    assert told["API client secret"] == "abcd-efgh"
    assert told["webhook secret"] == "whsec_1"
    assert told["old webhook secret"] == "signs as well for 2 h"


def test_only_what_is_new_is_told() -> None:
    assert handover(ADDRESSES, {"cooperative": "aurora", "api_clients": []}, []) == {"cooperative": "aurora"}


def test_credentials_are_written_for_their_reader_alone_and_over_nothing(tmp_path: Path) -> None:
    file = tmp_path / "credentials.json"
    require_new(file)
    write_privately(file, "secret")
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("secret", 0o600)
    with pytest.raises(OperationError, match="nothing is overwritten"):
        require_new(file)
    with pytest.raises(OperationError, match="nothing is overwritten"):
        write_privately(file, "other")
    assert file.read_text() == "secret"


@pytest.mark.parametrize(
    ("done", "found"),
    [
        (Done(0, '{"level": "info"}\n2 vouchers, 5 entries, 0 faults\n', ""), []),
        (
            Done(1, "2 vouchers, 5 entries, 1 faults\n", "voucher v entry 3: the chain is broken\n"),
            ["voucher v entry 3: the chain is broken"],
        ),
        (Done(1, "", "The service is not available at the moment."), None),
    ],
)
def test_a_command_that_could_not_look_has_not_found_nothing(
    monkeypatch: pytest.MonkeyPatch, done: Done, found: list[str] | None
) -> None:
    def run_service(*_: Any, **__: Any) -> Done:
        return done

    monkeypatch.setattr(checks_of_data, "run_service", run_service)
    pattern = r"\d+ vouchers, \d+ entries, \d+ faults"

    def look() -> list[str]:
        return checks_of_data._said(cast("Installation", None), "vouchers", "verify-ledger", pattern)[0]

    if found is None:
        with pytest.raises(OperationError, match="not available"):
            look()
    else:
        assert look() == found
