"""The topology as computed."""

import re

import pytest

from services.chassis.messaging.topology import Binding, Names, SubscriberQueue, Topology, User, build
from services.chassis.partition import Partition

A_DONE, A_LEFT, B_DONE = "ambito.a.thing.done.v1", "ambito.a.thing.left.v1", "ambito.b.thing.done.v1"
READER = SubscriberQueue("reader.x", "reader-x", (("ambito.a.public", "*.*.*.x"),))
SERVICES = {"a": frozenset[str](), "b": frozenset({A_DONE, B_DONE})}


@pytest.fixture
def topology() -> Topology:
    return build(SERVICES, [READER], emitted=[A_DONE, A_LEFT, B_DONE])


def user(topology: Topology, name: str) -> User:
    [found] = [user for user in topology.users if user.name == name]
    return found


def test_each_type_reaches_who_consumes_it_or_the_queue_that_forgets(topology: Topology) -> None:
    assert {
        binding
        for binding in topology.bindings
        if binding.source.startswith("ambito.") or binding.source.startswith("b.intake")
    } == {
        Binding("ambito.a.public", "ambito.a", "#", to_exchange=True),
        Binding("ambito.b.public", "ambito.b", "#", to_exchange=True),
        Binding("ambito.a", "b.intake", "thing.done.*.*", to_exchange=True),
        Binding("ambito.b", "b.intake", "thing.done.*.*", to_exchange=True),
        Binding("b.intake.rest", "b.events", ""),
        Binding("ambito.a", "ambito.unclaimed", "thing.left.*.*"),
        Binding("ambito.a.public", "reader.x", "*.*.*.x"),
    }


def test_every_queue_is_bounded_by_a_policy_of_its_own(topology: Topology) -> None:
    names = [queue.name for queue in topology.queues]
    for name in names:
        policies = [policy for policy in topology.policies if re.search(policy.pattern, name)]
        assert len(policies) == 1, name
        assert policies[0].definition["max-length"] > 0
    assert len(names) == len(set(names))


def test_a_dead_letter_leaves_its_queue_only_when_the_next_one_has_it(topology: Topology) -> None:
    exchanges = {exchange.name for exchange in topology.exchanges}
    for policy in topology.policies:
        if "dead-letter-exchange" in policy.definition:
            assert policy.definition["dead-letter-exchange"] in exchanges
            assert policy.definition["dead-letter-strategy"] == "at-least-once"
            assert policy.definition["overflow"] == "reject-publish"  # the strategy needs it


@pytest.mark.parametrize(
    ("name", "may_read", "may_write"),
    [
        (
            "a",
            {"a.events", "a.events.dead"},
            {"ambito.a", "ambito.a.public", "a.events.retry", "a.events.dead"},
        ),
        ("reader-x", {"reader.x"}, set()),
    ],
)
def test_a_user_may_do_no_more_than_its_work(
    topology: Topology, name: str, may_read: set[str], may_write: set[str]
) -> None:
    rights = user(topology, name)
    queues = {queue.name for queue in topology.queues}
    exchanges = {exchange.name for exchange in topology.exchanges}
    everything = queues | exchanges | {"", "amq.default", "readerXx"}
    readable = {part for part in everything if re.search(rights.read, part)}
    assert {part for part in readable if ".retry" not in part} == may_read
    assert all(part.startswith(name) or name == "reader-x" for part in readable)
    assert {part for part in everything if part and re.search(rights.write, part)} == may_write
    configurable = {part for part in everything if part and re.search(rights.configure, part)}
    assert configurable <= queues & readable


def test_a_reader_who_stays_away_harms_nobody(topology: Topology) -> None:
    [policy] = [policy for policy in topology.policies if policy.queue == READER.name]
    assert policy.definition["overflow"] == "drop-head"
    assert policy.definition["message-ttl"] > 0


def test_events_of_nobody_cannot_be_consumed() -> None:
    with pytest.raises(ValueError, match="c, which is no service"):
        build({"a": frozenset({"ambito.c.thing.done.v1"})})


def test_names_of_retry_queues_are_numbered_not_timed() -> None:
    assert Names("a").retry_queue(1) == "a.events.retry.1"


def test_a_partition_takes_its_words_at_the_intake_and_shares_but_the_dead_letters() -> None:
    two = Partition.of("X2", "X1")
    plain, parted = build(SERVICES), build(SERVICES, partitions={"b": frozenset({two})})
    names = Names("b", two)
    assert parted.bindings - plain.bindings == {
        Binding("b.intake", "b.events.apart.X1-X2", "*.*.X1.*"),
        Binding("b.intake", "b.events.apart.X1-X2", "*.*.X2.*"),
        Binding(names.retry_exchange, names.queue, "again"),
        *(Binding(names.retry_exchange, queue, queue) for queue in names.working_queues()[1:]),
    }
    assert plain.bindings < parted.bindings
    assert {queue.name for queue in parted.queues} - {queue.name for queue in plain.queues} == set(
        names.working_queues()
    )
    assert names.dead_queue == "b.events.dead"
    assert user(plain, "b") == user(parted, "b")
    rights = user(parted, "b")
    assert all(re.search(rights.read, queue) for queue in names.working_queues())
    assert re.search(rights.write, names.retry_exchange)
    assert not re.search(rights.write, names.intake)
    assert not re.search(user(parted, "a").read, names.queue)


def test_two_partitions_cannot_have_the_same_word() -> None:
    with pytest.raises(ValueError, match="b has X2 in two partitions"):
        build(SERVICES, partitions={"b": frozenset({Partition.of("X1", "X2"), Partition.of("X2", "X3")})})


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("X1,-", "'-' is not a word"),
        ("X1,", "'' is not a word"),
        ("X1,#", "'#' is not a word"),
        ("X1,X1", "are in order and different"),
        (",".join(f"X{number}" for number in range(31)), "1 to 30 words, not 31"),
    ],
)
def test_what_is_no_partition_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Partition.parse(text)


def test_a_partition_is_its_words_in_whatever_order_they_are_said() -> None:
    assert Partition.parse("X2, X1") == Partition.of("X1", "X2")
    assert Partition.parse(" ") is None
