"""Secrets: all there, usable, and the same as the servers know."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from deploy.operating.doctor.circumstances import Circumstances
from deploy.operating.doctor.findings import COMPOSE, Finding, Weight, check

_RUN_SECRETS: Final = f"{COMPOSE} -f deploy/compose.yaml run --rm secrets"
_RUN_SERVERS: Final = f"{COMPOSE} … run --rm servers"
_DEMO_MAIL: Final = "smtp://mail:25"
_DENIED: Final = ("401", "password authentication failed")


@check
def secrets_are_there(given: Circumstances) -> Iterator[Finding]:
    """All that the installation and the territory need."""
    if given.facts.secrets and (missing := given.facts.secrets.missing):
        yield Finding(
            f"missing among the secrets: {', '.join(missing)}",
            "what needs them does not start, or somebody in the territory's folder cannot sign in",
            "if they are lost, take them from your copy first: keys that are made anew open nothing;"
            f" else {_RUN_SECRETS}",
        )


@check
def secrets_are_private(given: Circumstances) -> Iterator[Finding]:
    """The files are readable by all so that containers can; the directory keeps people out."""
    if given.facts.secrets and given.facts.secrets.directory_mode & 0o077:
        yield Finding(
            f"the directory of secrets has mode {given.facts.secrets.directory_mode:04o}",
            "everybody with an account on this machine reads all passwords and keys",
            "chmod 700 deploy/secrets (or what AMBITO_SECRETS says); whoever may have read them makes a"
            " rotation due",
        )


@check
def secrets_can_be_used(given: Circumstances) -> Iterator[Finding]:
    """Key rings with a current key, jwks.json of the signing key, passwords for all accounts."""
    for name, fault in (given.facts.secrets.faults if given.facts.secrets else {}).items():
        yield Finding(
            f"{name}: {fault}",
            "what reads it does not start, or refuses everybody",
            f"put it right by hand, from your copy; what is not there at all is made by: {_RUN_SECRETS}",
        )


@check
def databases_take_the_passwords(given: Circumstances) -> Iterator[Finding]:
    """A password that was changed on one side only."""
    for service, reason in (given.facts.logins.database_refuses if given.facts.logins else {}).items():
        yield Finding(
            f"PostgreSQL refuses {service}: {reason}",
            f"the processes of {service} cannot work from their next connection on",
            f"make the role's password that of the secret database-{service}: {_RUN_SERVERS}; if it still"
            " refuses,"
            f" {service}-database-url was changed: the password in it is to be the same",
        )


@check
def broker_takes_the_passwords(given: Circumstances) -> Iterator[Finding]:
    """Services and cooperatives alike."""
    for user, reason in (given.facts.logins.broker_refuses if given.facts.logins else {}).items():
        yield Finding(
            f"RabbitMQ refuses {user}: {reason}",
            "events of a service wait in its outbox; a cooperative does not reach its queue",
            f"make users, passwords and rights what the secrets say: {_RUN_SERVERS}; if it still refuses,"
            f" {user}-amqp-url was changed: the password in it is to be that of broker-{user}",
        )


@check
def disabled_cooperatives_stay_out(given: Circumstances) -> Iterator[Finding]:
    """Somebody gave the user a password by hand."""
    for user in given.facts.logins.broker_lets_in if given.facts.logins else ():
        slug = user.removeprefix("coop-")
        yield Finding(
            f"the cooperative {slug} is disabled, and RabbitMQ lets it in",
            "it was shut out for a reason",
            f"python -m deploy cooperative disable {slug}",
        )


@check
def administrators_can_sign_in(given: Circumstances) -> Iterator[Finding]:
    """Else nobody can make users, databases or queues any more."""
    servers = {"broker": ("RabbitMQ", "rabbitmq-admin"), "databases": ("PostgreSQL", "postgres-admin")}
    for part, (server, secret) in servers.items():
        if any(sign in given.facts.unknown.get(part, "") for sign in _DENIED):
            yield Finding(
                f"{server} refuses its administrator",
                "users, databases and queues can be neither made nor looked at; `up` will fail",
                f"write the password that {server} knows into the secret {secret}, or set it there from"
                " inside the"
                " server's own container (rabbitmqctl change_password; psql over the local socket)",
            )


@check
def mail_goes_somewhere(given: Circumstances) -> Iterator[Finding]:
    """The address that secrets begin with is the demo's."""
    if given.facts.secrets and given.facts.secrets.smtp == _DEMO_MAIL and "mail" not in given.settings:
        yield Finding(
            f"e-mails go to {_DEMO_MAIL}, which is only there in the demo",
            "nobody gets an e-mail: they wait, and are given up after days",
            "write the mail server into the secret smtp-url (smtp+starttls://user:password@host:587), then"
            f" {COMPOSE} … restart notifications-deliver",
        )


@check
def somebody_sends_the_mail(given: Circumstances) -> Iterator[Finding]:
    """The sender's address that nobody has changed."""
    sender = given.setting("notifications-deliver", "MAIL_FROM")
    if given.is_open and "ambito.invalid" in sender:
        yield Finding(
            f"e-mails come from {sender}",
            "mail servers refuse a sender that cannot exist, or take the message for spam",
            f"set MAIL_FROM in deploy/.env to an address of yours, then {COMPOSE} … up --detach",
            Weight.ADVICE if "mail" in given.settings else Weight.PROBLEM,
        )
