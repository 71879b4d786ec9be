"""Where a webhook may go."""

from ipaddress import ip_address

import pytest

from services.notifications.domain.addresses import AddressRules, parse_address

PUBLIC_ONLY = AddressRules()


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.1",
        "10.0.0.1",
        "100.64.0.1",  # carrier-grade NAT
        "127.0.0.1",
        "127.255.255.254",
        "169.254.169.254",  # metadata services
        "172.16.0.1",
        "192.0.0.1",
        "192.168.1.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::a00:1",  # NAT64 of 10.0.0.1
        "2002:a00:1::",  # 6to4 of 10.0.0.1
        "2001:0:a00:1::",  # Teredo
        "fc00::1",
        "fd00:ec2::254",  # a metadata service
        "fe80::1",
        "ff02::1",
    ],
)
def test_what_is_not_public_is_refused(address: str) -> None:
    assert PUBLIC_ONLY.refuses(ip_address(address))


@pytest.mark.parametrize("address", ["93.184.215.14", "8.8.8.8", "2606:2800:21f::1", "::ffff:8.8.8.8"])
def test_what_is_public_is_not(address: str) -> None:
    assert not PUBLIC_ONLY.refuses(ip_address(address))


def test_named_networks_are_an_exception() -> None:
    rules = AddressRules.parse("127.0.0.0/8, fd00:1::/32")
    assert not rules.refuses(ip_address("127.0.0.5"))
    assert not rules.refuses(ip_address("::ffff:127.0.0.5"))
    assert not rules.refuses(ip_address("fd00:1::7"))
    assert rules.refuses(ip_address("10.0.0.1"))
    assert rules.except_all([ip_address("127.0.0.5")])
    assert not rules.except_all([ip_address("127.0.0.5"), ip_address("8.8.8.8")])
    assert not rules.except_all([])


def test_one_bad_address_spoils_the_rest() -> None:
    assert PUBLIC_ONLY.refuse_any([ip_address("8.8.8.8"), ip_address("10.0.0.1")])


def test_a_zone_is_dropped() -> None:
    assert parse_address("fe80::1%eth0") == ip_address("fe80::1")


def test_a_malformed_network_is_an_error() -> None:
    with pytest.raises(ValueError, match="33"):
        AddressRules.parse("10.0.0.0/33")
