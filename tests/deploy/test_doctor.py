"""Each check of `doctor`, by causing what it finds."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from deploy.containers.facts import CertificateFacts
from deploy.operating.doctor import command
from deploy.operating.doctor.circumstances import Circumstances, Port, Space
from deploy.operating.doctor.findings import CHECKS, Weight, examine
from deploy.operating.doctor.gathering import newest_backup
from deploy.operating.observing import DatabaseState
from tests.deploy.circumstances import NOW, circumstances, facts, observation, process, queue

EVERYWHERE = "0.0.0.0"  # noqa: S104 - as Docker Engine shows it


def with_facts(**parts: Any) -> Circumstances:
    return circumstances(seen=observation(facts=facts(**parts)))


def with_process(service: str, **changes: Any) -> Circumstances:
    others = [each for each in observation().processes if each.service != service]
    return circumstances(seen=observation(processes=[*others, process(service, **changes)]))


def with_queue(name: str, **changes: Any) -> Circumstances:
    broker = facts().broker
    assert broker is not None
    others = [each for each in broker.queues if each.name != name]
    return with_facts(broker={"queues": [*others, queue(name, **changes)]})


def with_database(**changes: Any) -> Circumstances:
    state = replace(DatabaseState("0002", "0002", "same", 0, 0.0), **changes)
    return circumstances(seen=observation(databases={"vouchers": state}))


def with_setting(service: str, **variables: str) -> Circumstances:
    settings = circumstances().settings
    return circumstances(settings={**settings, service: {**settings.get(service, {}), **variables}})


def with_certificate(**changes: Any) -> Circumstances:
    good = facts().secrets
    assert good is not None
    assert good.certificate is not None
    return with_facts(secrets={"certificate": good.certificate.model_copy(update=changes)})


def unknown(part: str, reason: str) -> Circumstances:
    found = facts().model_copy(update={"unknown": {part: reason}})
    return circumstances(seen=observation(facts=found, unknown={part: reason}))


# What is amiss, the check that finds it, and a word of the finding or its cure.
DAMAGES: list[tuple[Circumstances, str, str]] = [
    (with_process("gateway", state="exited", health="exited"), "everything_runs", "logs --tail 50 gateway"),
    (
        circumstances(seen=observation(processes=observation().processes[1:])),
        "everything_runs",
        "identity-grpc has no container",
    ),
    (
        with_process("catalogue-worker", restarts=7, since=NOW - timedelta(minutes=1)),
        "nothing_starts_again_and_again",
        "7 times",
    ),
    (with_process("gateway", killed_for_memory=True), "nothing_was_killed_for_memory", "limits.memory"),
    (with_process("gateway", version="1.3"), "everything_is_of_one_version", "1.3 abc: gateway"),
    (circumstances(outdated=["ambito-gateway-1"]), "containers_are_of_their_images", "ambito-gateway-1"),
    (with_process("gateway", image="ambito/gateway:latest"), "versions_can_be_told_apart", "AMBITO_VERSION"),
    (circumstances(log_limits={"mine": None}), "logs_are_bounded", "max-size"),
    (unknown("broker", "it does not answer"), "everything_answers", "it does not answer"),
    (
        unknown("broker", "[Errno -3] Temporary failure in name resolution"),
        "everything_answers",
        "by name: broker",
    ),
    (with_database(database="0001", agreement="behind"), "databases_are_migrated", "vouchers-prepare"),
    (with_database(database="0003", agreement="ahead"), "databases_are_migrated", "upgrade"),
    (with_facts(broker={"missing_queues": ["coop.aurora"]}), "broker_has_what_it_must", "run --rm servers"),
    (with_facts(broker={"missing_bindings": ["from a to b"]}), "broker_has_what_it_must", "outbox again"),
    (
        with_facts(broker={"unknown_queues": ["old"], "queues": [queue("old", ready=3)]}),
        "broker_has_nothing_else",
        "delete_queue old",
    ),
    (with_queue("vouchers.events", ready=5), "queues_are_read", "restart vouchers-worker"),
    (
        with_queue("coop.aurora", ready=500, subscriber="aurora"),
        "queues_are_read",
        "500 messages of at most 1000",
    ),
    (with_queue("vouchers.events.dead", ready=2), "nothing_is_dead", "dlq redrive vouchers --all"),
    (with_database(waiting=4, oldest_seconds=61.0), "events_leave_the_outbox", "vouchers-relay"),
    (
        circumstances(seen=observation(due_seconds={"webhook": 61.0})),
        "deliveries_are_made",
        "notifications-deliver",
    ),
    (with_facts(broker={"alarms": ["rabbit: too little memory"]}), "broker_is_not_alarmed", "memory"),
    (with_facts(databases={"connections": 170}), "database_has_connections_left", "max_connections"),
    (with_facts(secrets={"missing": ["jwks.json"]}), "secrets_are_there", "run --rm secrets"),
    (with_facts(secrets={"directory_mode": 0o755}), "secrets_are_private", "chmod 700"),
    (with_facts(secrets={"faults": {"jwks.json": "another key"}}), "secrets_can_be_used", "another key"),
    (
        with_facts(logins={"database_refuses": {"identity": "no"}}),
        "databases_take_the_passwords",
        "run --rm servers",
    ),
    (
        with_facts(logins={"broker_refuses": {"coop-aurora": "no"}}),
        "broker_takes_the_passwords",
        "run --rm servers",
    ),
    (
        with_facts(logins={"broker_lets_in": ["coop-aurora"]}),
        "disabled_cooperatives_stay_out",
        "cooperative disable aurora",
    ),
    (unknown("broker", "Client error '401 Unauthorized'"), "administrators_can_sign_in", "rabbitmq-admin"),
    (with_facts(secrets={"smtp": "smtp://mail:25"}), "mail_goes_somewhere", "smtp-url"),
    (
        with_setting("notifications-deliver", MAIL_FROM="a <noreply@ambito.invalid>"),
        "somebody_sends_the_mail",
        "MAIL_FROM",
    ),
    (
        circumstances(ports=[Port("gateway", "8000/tcp", EVERYWHERE, 8000)]),
        "nothing_is_open_without_tls",
        "compose.tls.yaml",
    ),
    (
        circumstances(ports=[Port("rabbitmq", "15672/tcp", "192.0.2.7", 15672)]),
        "nothing_is_open_without_tls",
        "192.0.2.7:15672",
    ),
    (
        with_setting("notifications-deliver", WEBHOOK_ALLOWED_NETWORKS="10.0.0.0/8"),
        "demo_settings_stay_in_the_demo",
        "compose.demo.yaml",
    ),
    (
        with_setting("catalogue-grpc", DELIVERY_EARLIEST_BEFORE_START_MINUTES="86400"),
        "demo_settings_stay_in_the_demo",
        "before they take place",
    ),
    (
        with_setting("gateway", REQUESTS_PER_MINUTE="1000000"),
        "demo_settings_stay_in_the_demo",
        "REQUESTS_PER_MINUTE=6000",
    ),
    (with_facts(secrets={"certificate": None}), "certificate_is_good", "tls.crt is missing"),
    (
        with_facts(secrets={"certificate": CertificateFacts(fault="another key")}),
        "certificate_is_good",
        "another key",
    ),
    (with_certificate(not_after=NOW - timedelta(days=1)), "certificate_is_good", "expired on 2026-11-27"),
    (with_certificate(not_after=NOW + timedelta(days=20)), "certificate_is_good", "in 20 days"),
    (with_certificate(not_before=NOW + timedelta(days=1)), "certificate_is_good", "from 2026-11-29 on"),
    (with_certificate(names=["example.it", "*.x.example.it"]), "certificate_is_good", "portale.example.it"),
    (with_certificate(self_signed=True), "certificate_is_good", "nobody has signed"),
    (
        with_setting("notifications-deliver", PORTAL_URL="http://127.0.0.1:8000"),
        "portal_is_where_it_says",
        "PORTAL_URL=https",
    ),
    (
        with_setting("notifications-deliver", PORTAL_URL="http://portale.example.it"),
        "portal_is_where_it_says",
        "in the clear",
    ),
    (
        circumstances(ports=[Port("gateway", "8000/tcp", "127.0.0.1", 8000)]),
        "proxies_are_trusted_rightly",
        "never slowed down",
    ),
    (with_setting("gateway", TRUSTED_PROXIES=""), "proxies_are_trusted_rightly", "does not trust"),
    (circumstances(engine_version="19.03.8"), "programs_are_new_enough", "19.03.8"),
    (circumstances(compose_version="2.20.3"), "programs_are_new_enough", "2.24.4"),
    (circumstances(compose_version=None), "programs_are_new_enough", "no Docker Compose"),
    (circumstances(engine_ahead_seconds=-90.0), "clocks_agree", "90 s behind"),
    (with_facts(databases={"ahead_seconds": 6.0}), "clocks_agree", "PostgreSQL's clock is 6 s ahead"),
    (with_facts(disk={"free_bytes": 10**9}), "there_is_space", "1.0 of 200.0 GB"),
    (circumstances(volumes={"postgres": Space(10**9, 50 * 10**9)}), "there_is_space", "postgres"),
    (with_facts(territory={"faults": ["staff.yaml:3: no such role"]}), "territory_is_valid", "staff.yaml:3"),
    (with_facts(territory={"changed_at": NOW}), "territory_is_loaded", "up --detach"),
    (circumstances(newest_backup=None), "there_is_a_backup", "/srv/backups"),
    (circumstances(newest_backup=NOW - timedelta(days=3)), "there_is_a_backup", "3 d old"),
]


def test_nothing_is_found_where_nothing_is_amiss() -> None:
    assert list(examine(circumstances())) == []


@pytest.mark.parametrize(("given", "check", "word"), DAMAGES, ids=[each[1] for each in DAMAGES])
def test_a_damage_is_found_and_the_cure_named(given: Circumstances, check: str, word: str) -> None:
    found = [each for each in examine(given) if each.check == check]
    assert found
    assert any(word in f"{each.wrong} {each.why} {each.cure}" for each in found), found


def test_every_check_has_a_damage_that_it_finds() -> None:
    assert command.MODULES
    assert {check for _, check, _ in DAMAGES} == CHECKS.keys()


def test_an_installation_for_this_machine_alone_may_be_as_the_demo_is() -> None:
    demo = circumstances(
        ports=[
            Port("gateway", "8000/tcp", "127.0.0.1", 8000),
            Port("rabbitmq", "5672/tcp", "127.0.0.1", 5672),
        ],
        settings={
            "mail": {},
            "gateway": {"TRUSTED_PROXIES": "", "REQUESTS_PER_MINUTE": "1000000"},
            "catalogue-grpc": {"DELIVERY_EARLIEST_BEFORE_START_MINUTES": "86400"},
            "notifications-deliver": {"PORTAL_URL": "http://127.0.0.1:8000", "MAIL_FROM": "x@ambito.invalid"},
        },
        seen=observation(facts=facts(secrets={"smtp": "smtp://mail:25", "certificate": None})),
        newest_backup=None,
    )
    assert [(each.check, each.weight) for each in examine(demo)] == [("there_is_a_backup", Weight.ADVICE)]


def test_a_disk_with_little_space_is_told_of_once() -> None:
    little = Space(10**9, 50 * 10**9)
    given = circumstances(volumes={"postgres": little, "rabbitmq": little})
    assert len([each for each in examine(given) if each.check == "there_is_space"]) == 1


def test_the_newest_backup_is_found_by_its_manifest(tmp_path: Path) -> None:
    assert newest_backup(tmp_path / "nowhere") is None
    for name, manifest in (
        ("a", json.dumps({"taken_at": "2026-11-27T03:00:00+00:00"})),
        ("b", json.dumps({"taken_at": "2026-11-28T03:00:00Z"})),
        ("half", "{"),
        ("other", json.dumps({"made_at": "2026-11-29T03:00:00Z"})),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "manifest.json").write_text(manifest)
    assert newest_backup(tmp_path) == datetime(2026, 11, 28, 3, tzinfo=UTC)
