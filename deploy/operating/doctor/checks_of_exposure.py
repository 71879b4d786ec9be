"""What others reach, and what they are told."""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from deploy.operating.doctor.circumstances import LOOPBACK, Circumstances
from deploy.operating.doctor.findings import COMPOSE, UP, Finding, Weight, check

_TLS: Final = "-f deploy/compose.tls.yaml"
_WITH_TLS: Final = frozenset({"8443/tcp", "5671/tcp"})
_LEADS_TO_TLS: Final = frozenset({("proxy", "8080/tcp")})
_RENEW_BEFORE: Final = dt.timedelta(days=21)
_DEMO_SETTINGS: Final = {
    (
        "catalogue-grpc",
        "DELIVERY_EARLIEST_BEFORE_START_MINUTES",
    ): "visits can be proved long before they take place",
    (
        "notifications-grpc",
        "WEBHOOK_ALLOWED_NETWORKS",
    ): "webhooks can be pointed at machines of your own network",
    ("notifications-deliver", "WEBHOOK_ALLOWED_NETWORKS"): "webhooks reach machines of your own network",
}
_HIGHEST_RATE: Final = 60_000


@check
def nothing_is_open_without_tls(given: Circumstances) -> Iterator[Finding]:
    """Plain HTTP, AMQP, PostgreSQL or anything else at an address of the network."""
    for port in given.ports:
        if port.is_open and port.inner not in _WITH_TLS and (port.service, port.inner) not in _LEADS_TO_TLS:
            yield Finding(
                f"{port.service} answers at {port.ip}:{port.number} without TLS",
                "passwords, tokens and personal data cross the network readable by all who are on the way",
                f"publish with TLS: {COMPOSE} -f deploy/compose.yaml {_TLS} up --detach --wait; or on"
                " this machine"
                " only: HTTP_BIND=127.0.0.1:8000, AMQP_BIND=127.0.0.1:5672",
            )


@check
def demo_settings_stay_in_the_demo(given: Circumstances) -> Iterator[Finding]:
    """compose.demo.yaml over an installation that others reach."""
    if not given.is_open:
        return
    cure = f"bring it up without -f deploy/compose.demo.yaml: {UP} --remove-orphans"
    for (service, name), why in _DEMO_SETTINGS.items():
        if given.setting(service, name):
            yield Finding(f"{service} has {name}={given.setting(service, name)}", why, cure)
    rate = given.setting("gateway", "REQUESTS_PER_MINUTE")
    if rate.isdigit() and int(rate) > _HIGHEST_RATE:
        yield Finding(
            f"the gateway takes {rate} requests a minute of one address",
            "a single client can use up the whole of it, or try passwords and codes at leisure",
            f"REQUESTS_PER_MINUTE=6000 in deploy/.env, and {cure}",
        )


@check
def certificate_is_good(given: Circumstances) -> Iterator[Finding]:
    """There, for the name, with its key, and valid for weeks to come."""
    if not given.has_proxy or given.facts.secrets is None:
        return
    found = given.facts.secrets.certificate
    renew = (
        "put the new certificate with its chain and its key into the secrets tls.crt and tls.key, then"
        f" {COMPOSE} … restart proxy rabbitmq"
    )
    why = "browsers and the cooperatives' systems refuse to connect"
    if found is None or found.fault:
        yield Finding(
            f"TLS has no usable certificate: {found.fault if found else 'tls.crt is missing'}", why, renew
        )
        return
    if found.not_after is not None and found.not_after <= given.now:
        yield Finding(f"the certificate expired on {found.not_after:%Y-%m-%d}", why, renew)
    elif found.not_after is not None and found.not_after - given.now < _RENEW_BEFORE:
        days = (found.not_after - given.now).days
        yield Finding(f"the certificate expires in {days} days", f"from then on {why}", renew)
    if found.not_before is not None and found.not_before > given.now:
        yield Finding(f"the certificate is valid from {found.not_before:%Y-%m-%d} on only", why, renew)
    if given.portal_host and not any(_is_for(name, given.portal_host) for name in found.names):
        yield Finding(
            f"the certificate is for {', '.join(found.names) or 'no name'}, the portal is"
            f" {given.portal_host}",
            why,
            f"{renew}; or PORTAL_URL in deploy/.env is not the portal's name",
        )
    if found.self_signed and given.is_open:
        yield Finding(
            "nobody has signed the certificate", "browsers warn everybody who comes", renew, Weight.ADVICE
        )


@check
def portal_is_where_it_says(given: Circumstances) -> Iterator[Finding]:
    """PORTAL_URL is what e-mails link to and cooperatives are told."""
    cure = f"PORTAL_URL=https://… in deploy/.env, then {UP}"
    if given.is_open and given.portal_host.startswith(LOOPBACK):
        yield Finding(
            f"e-mails link to {given.portal}", "on the reader's own machine there is no portal", cure
        )
    elif given.has_proxy and urlsplit(given.portal).scheme == "http":
        yield Finding(
            f"e-mails link to {given.portal}, and TLS is on",
            "the first request of everybody goes over the network in the clear",
            cure,
            Weight.ADVICE,
        )


@check
def proxies_are_trusted_rightly(given: Circumstances) -> Iterator[Finding]:
    """Requests are counted, and attempts to sign in slowed down, by the client's address."""
    trusted = given.setting("gateway", "TRUSTED_PROXIES")
    direct = [port for port in given.ports if port.service == "gateway"]
    if trusted and direct and (_trusts_everybody(trusted) or any(port.is_open for port in direct)):
        yield Finding(
            f"the gateway believes the X-Forwarded-For of {trusted}, and is itself published at"
            f" {direct[0].ip}:{direct[0].number}",
            "whoever comes there says that he is anybody, and is never slowed down",
            f"publish the proxy alone ({_TLS}), or leave TRUSTED_PROXIES empty; then {UP}",
            Weight.PROBLEM if given.is_open else Weight.ADVICE,
        )
    if given.has_proxy and not trusted:
        yield Finding(
            "the gateway is behind the proxy and does not trust it",
            "all people together are one address, and share one allowance of requests and attempts",
            f"TRUSTED_PROXIES=* for the gateway, as in deploy/compose.tls.yaml; then {UP}",
        )


def _trusts_everybody(trusted: str) -> bool:
    return any(each.strip() == "*" or each.strip().endswith("/0") for each in trusted.split(","))


def _is_for(name: str, host: str) -> bool:
    try:
        return ipaddress.ip_address(name) == ipaddress.ip_address(host)
    except ValueError:
        pass
    if name.startswith("*."):
        return host.lower().partition(".")[2] == name[2:].lower()
    return name.lower() == host.lower()
