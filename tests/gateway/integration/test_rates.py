"""Each consumer has a rate of its own, and every answer tells it."""

from __future__ import annotations

from pathlib import Path

from services.contracts.generated.ambito.catalogue.v1 import catalogue_pb2 as catalogue
from tests.gateway.conftest import running
from tests.support.polling import eventually


def test_a_consumer_that_asks_too_often_waits_and_the_others_do_not(tmp_path: Path) -> None:
    with running(tmp_path, requests_per_minute=3) as edge:
        edge.services.answers["ListComuni"] = catalogue.ListComuniResponse()

        def ask(headers: dict[str, str]) -> tuple[int, str]:
            answer = edge.client.get("/api/v1/comuni", headers=headers)
            assert answer.headers["X-RateLimit-Limit"] == "3"
            assert 0 < int(answer.headers["X-RateLimit-Reset"]) <= 60
            if answer.status_code == 429:
                assert answer.headers["Retry-After"] == answer.headers["X-RateLimit-Reset"]
                assert answer.json()["type"] == "urn:ambito:problem:too-many-requests"
            return answer.status_code, answer.headers["X-RateLimit-Remaining"]

        def seconds_left() -> int:
            return int(edge.client.get("/nowhere", headers=edge.token(sub="x")).headers["X-RateLimit-Reset"])

        eventually(lambda: seconds_left() > 5, timeout_seconds=20)  # the minute must not end meanwhile
        somebody = edge.token(sub="somebody")
        assert [ask(somebody) for _ in range(5)][-3:] == [(200, "0"), (429, "0"), (429, "0")]
        assert ask(edge.token(sub="somebody-else")) == (200, "2")
        # A token signed by nobody makes no new consumer of its sender: it counts for the address.
        forged = {"Authorization": "Bearer forged"}
        assert [ask(forged)[0] for _ in range(4)] == [401, 401, 401, 429]
        assert ask({})[0] == 429
        assert edge.client.get("/nowhere", headers=somebody).status_code == 429
