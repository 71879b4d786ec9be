"""Comuni served apart: whatever is split off, each event reaches each consumer's workers exactly once."""

from __future__ import annotations

import re
from functools import cache
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.broker.apart import SERVICES_APART, Apart, ApartError, Group, read_apart, write_apart
from deploy.broker.topology import SERVICES, topology
from services.chassis.definition import load
from services.chassis.messaging.event import EventType
from services.chassis.messaging.topology import Names, Topology
from services.contracts.asyncapi import all_events
from services.contracts.territory import Territory, read_territory

ROOT = Path(__file__).parents[2]
TERRITORY: Territory = read_territory(ROOT / "deploy/data/tradate")
COMUNI = tuple(comune.belfiore for comune in TERRITORY.comuni)
PROVIDERS = ("casa-tiglio", "cedro-azzurro")
ELSEWHERE = "Z999"
CONSUMES = {name: load(f"services.{name}.bootstrap:SERVICE").consumes for name in SERVICES}


def reached(made: Topology, exchange: str, key: str, seen: frozenset[str] = frozenset()) -> set[str]:
    """The queues that a message on `exchange` reaches, as a topic broker routes it."""
    if exchange in seen:
        return set()
    (kind, alternate) = next((each.kind, each.alternate) for each in made.exchanges if each.name == exchange)
    taken = [
        binding
        for binding in made.bindings
        if binding.source == exchange and (kind == "fanout" or matches(binding.routing_key, key))
    ]
    if not taken:
        return reached(made, alternate, key, seen | {exchange}) if alternate else set()
    queues = set[str]()
    for binding in taken:
        if binding.to_exchange:
            queues |= reached(made, binding.destination, key, seen | {exchange})
        else:
            queues.add(binding.destination)
    return queues


@cache
def pattern(binding_key: str) -> re.Pattern[str]:
    words = [
        ".*" if word == "#" else r"[^.]+" if word == "*" else re.escape(word)
        for word in binding_key.split(".")
    ]
    return re.compile(r"\.".join(words))


def matches(binding_key: str, key: str) -> bool:
    return pattern(binding_key).fullmatch(key) is not None


@st.composite
def splits(draw: st.DrawFn) -> Apart:
    """Any groups of any of the comuni, each of any services."""
    places = draw(st.lists(st.integers(0, 3), min_size=len(COMUNI), max_size=len(COMUNI)))
    services = st.lists(st.sampled_from(SERVICES_APART), min_size=1, unique=True)
    members = [[c for c, at in zip(COMUNI, places, strict=True) if at == place] for place in (1, 2, 3)]
    return Apart(tuple(Group(comuni=tuple(each), services=tuple(draw(services))) for each in members if each))


@settings(max_examples=15, deadline=None)
@given(splits())
def test_every_event_reaches_exactly_one_queue_of_each_consumer_the_one_of_its_comune(apart: Apart) -> None:
    made = topology(PROVIDERS, apart)
    for (name, model), comune, provider in product(
        all_events().items(), (*COMUNI, "-", ELSEWHERE), (*PROVIDERS, "-")
    ):
        source = Names(EventType.parse(name).service)
        exchange = source.public_exchange if model.public else source.exchange
        queues = reached(made, exchange, f"{EventType.parse(name).key}.{comune}.{provider}")
        group = apart.group_of(comune)
        wanted = set()
        for service, consumed in CONSUMES.items():
            if name in consumed:
                own = group is not None and service in group.services
                wanted.add(Names(service, group.partition if own and group else None).queue)
        if model.public and provider in PROVIDERS:
            wanted.add(f"coop.{provider}")
        assert queues == (wanted or {"ambito.unclaimed"}), (name, comune, provider)


def test_the_file_that_comes_with_the_overlay_is_valid() -> None:
    (group,) = read_apart(ROOT / "deploy/apart.yaml", TERRITORY).groups
    assert group.comuni == ("L319", "C273")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("apart: [", "apart.yaml: not YAML"),
        ("apart: [{comuni: [Z999]}]", "apart.yaml: Z999 is no comune of this territory"),
        ("apart: [{comuni: [L319]}, {comuni: [C300, L319]}]", "apart.yaml: L319 is in two groups"),
        ("apart: [{comuni: [L319, L319]}]", "apart.yaml: apart.0: Value error, a partition's words are"),
        ("apart: [{comuni: []}]", "apart.yaml: apart.0: Value error, a partition has 1 to 30 words"),
        (
            "apart: [{comuni: [L319], services: [identity]}]",
            "apart.0.services.0: Value error, 'identity'",
        ),
        (
            "apart: [{comuni: [L319], services: []}]",
            "apart.0.services: Tuple should have at least 1",
        ),
        (
            "apart: [{comuni: [L319], worker: 2}]",
            "apart.0.worker: Extra inputs are not permitted",
        ),
        ("comuni: [L319]", "apart.yaml: comuni: Extra inputs are not permitted"),
        ("- L319", "apart.yaml: file: Input should be a valid dictionary"),
    ],
)
def test_a_file_that_cannot_be_used_says_where_and_why(tmp_path: Path, text: str, complaint: str) -> None:
    file = tmp_path / "apart.yaml"
    file.write_text(text)
    with pytest.raises(ApartError, match=re.escape(complaint)):
        read_apart(file, TERRITORY)


def test_without_a_file_nobody_is_apart(tmp_path: Path) -> None:
    assert read_apart(tmp_path / "apart.yaml", TERRITORY) == Apart()


def test_what_is_written_is_read_again_and_the_words_at_its_head_stay(tmp_path: Path) -> None:
    file = tmp_path / "apart.yaml"
    file.write_text("# Ours.\napart: []\n")
    group = Group(comuni=("L319", "C273"), services=("catalogue",))
    apart = read_apart(file, TERRITORY).with_group(group)
    write_apart(file, apart)
    assert file.read_text().startswith("# Ours.\napart:\n")
    assert read_apart(file, TERRITORY) == apart
    write_apart(file, apart.without(Group(comuni=("C273", "L319"))))
    assert file.read_text() == "# Ours.\napart: []\n"
