"""What is timed are checks: what is no good token ends them."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature

from services.chassis.tokens import TokenInvalid
from tests.bench.token_check import Measure, bare_signature, first_check, known_check, look_up
from tests.support.tokens import TokenIssuer

_CHECKS = (known_check, first_check, bare_signature)


@pytest.mark.parametrize("measure", [*_CHECKS, look_up])
def test_good_tokens_are_timed(measure: Measure, tmp_path: Path) -> None:
    issuer = TokenIssuer(tmp_path)
    tokens = [issuer.token(f"person-{number}") for number in range(3)]
    assert measure(issuer.jwks_file, tokens, 0) > 0


@pytest.mark.parametrize("measure", _CHECKS)
def test_a_forged_token_ends_the_check(measure: Measure, tmp_path: Path) -> None:
    issuer, forger = TokenIssuer(tmp_path), TokenIssuer(tmp_path)
    issuer.publish(issuer.signer)
    tokens = [issuer.token("person"), forger.token("person")]
    with pytest.raises((TokenInvalid, InvalidSignature)):
        measure(issuer.jwks_file, tokens, 0)
