"""The Debian packages that a private PostgreSQL and RabbitMQ need, and tests of pages."""

import os
import shutil
import subprocess
from pathlib import Path

from deploy.local import postgres, rabbitmq
from deploy.local.programs import StartError
from deploy.local.progress import Progress

BROWSER = Path("/usr/bin/chromium")
POLICY = Path("/usr/sbin/policy-rc.d")


def missing(*, database: bool = True, broker: bool = True, browser: bool = False) -> list[str]:
    """Names of the packages that are needed and not installed."""
    wanted = []
    if database and postgres.find_binaries() is None:
        wanted.append("postgresql")
    if broker and rabbitmq.find_server() is None:
        wanted.append("rabbitmq-server")
    if browser and not BROWSER.exists():
        wanted.append("chromium")
    return wanted


def ensure(progress: Progress, *, database: bool = True, broker: bool = True, browser: bool = False) -> None:
    """Install what is missing, without starting the packages' own services. StartError says what to do."""
    packages = missing(database=database, broker=broker, browser=browser)
    if not packages:
        return
    sudo = _privilege()
    command = f"apt-get install --no-install-recommends {' '.join(packages)}"
    if sudo is None or shutil.which("apt-get") is None:
        raise StartError(
            f"missing Debian packages: {', '.join(packages)}\n"
            f"  install them as root:  {command}\n"
            "  (their own services are not needed and may be disabled; Ambito runs private ones)\n"
            "  or give DATABASE_URL_IDENTITY, …_CATALOGUE, …_VOUCHERS, …_NOTIFICATIONS, AMQP_URL and "
            "AMQP_MANAGEMENT_URL"
        )
    with progress.step(f"installing Debian packages: {', '.join(packages)}"):
        _run([*sudo, "apt-get", "-q", "update"])
        _install(sudo, packages)
    still = missing(database=database, broker=broker, browser=browser)
    if still:
        raise StartError(f"installed, but not found afterwards: {', '.join(still)}")


def _privilege() -> list[str] | None:
    """How to become root: not at all when we are, by sudo without a password, or not possible (None)."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") is None:
        return None
    allowed = subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0
    return ["sudo", "-n"] if allowed else None


def _install(sudo: list[str], packages: list[str]) -> None:
    # 101 is Debian's "do not start services now"; a policy that is there already stays in charge.
    own_policy = not POLICY.exists()
    if own_policy:
        _run([*sudo, "sh", "-c", f"printf '#!/bin/sh\\nexit 101\\n' > {POLICY} && chmod 755 {POLICY}"])
    try:
        environment = ["env", "DEBIAN_FRONTEND=noninteractive"]
        _run([*sudo, *environment, "apt-get", "-q", "-y", "install", "--no-install-recommends", *packages])
    finally:
        if own_policy:
            _run([*sudo, "rm", "-f", str(POLICY)])


def _run(command: list[str]) -> None:
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=1_200,
        check=False,
    )
    if done.returncode != 0:
        tail = "\n".join(f"    {line}" for line in done.stdout.splitlines()[-15:])
        raise StartError(f"{' '.join(command)} failed:\n{tail}")
