"""Requests made up from the OpenAPI document: whatever is asked, the answer keeps to the document.

Never a 5xx but the documented 503, never an answer of another form than the document says.
"""

from __future__ import annotations

import json
from typing import Any

import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from gateway.openapi import DOCUMENT
from tests.system.world import COMUNE, World

_EXAMPLES = 4
_CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance, status_code_conformance]
_ROLES = (f"social_worker:{COMUNE}", f"comune_officer:{COMUNE}", "plan_office:tradate")

# A live stream is no answer that ends: tests/gateway/integration/test_live.py.
schema = schemathesis.openapi.from_dict(json.loads(DOCUMENT.read_text())).exclude(path="/api/v1/events/live")


@schema.parametrize()
@settings(
    max_examples=_EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
    database=None,
)
def test_every_answer_keeps_to_the_document(case: schemathesis.Case[Any], world: World) -> None:
    sessions = (world.anyone, *(world.staff(role) for role in _ROLES), world.client("cedro-azzurro"))
    # Which of them asks depends on the case alone, so that a failure can be repeated.
    session = sessions[len(case.as_curl_command()) % len(sessions)]
    authorization = {"Authorization": f"Bearer {session.token}"} if session.token else {}
    response = case.call(base_url=world.instance.base_url, headers=authorization, timeout=20)
    if response.status_code == 503:
        assert int(response.headers["Retry-After"][0]) >= 1
        return
    case.validate_response(response, checks=_CHECKS)
