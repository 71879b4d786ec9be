"""Settings that do not fit together stop the process before it does harm."""

from typing import Any

import pytest
from pydantic import ValidationError

from services.notifications.settings import NotificationsSettings


def test_the_feed_outlives_the_deliveries_made_from_it() -> None:
    with pytest.raises(ValidationError, match="FEED_RETENTION_DAYS"):
        NotificationsSettings(
            database_url="postgresql+psycopg://nobody@127.0.0.1/none",
            feed_retention_days=31,
            delivery_log_retention_days=31,
        )


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"cooperatives": "Casa Tiglio"}, "'Casa Tiglio' is no cooperative's slug"),
        ({"cooperatives": "casa-tiglio,"}, "'' is no cooperative's slug"),
        ({"cooperatives_apart": "casa_tiglio"}, "'casa_tiglio' is no cooperative's slug"),
        (
            {"cooperatives": "casa-tiglio", "cooperatives_apart": "filo-di-lana"},
            "nothing to leave to others",
        ),
    ],
)
def test_whose_webhooks_a_process_delivers_is_said_by_slugs_and_in_one_way(
    given: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ValidationError, match=complaint):
        NotificationsSettings(database_url="postgresql+psycopg://nobody@127.0.0.1/none", **given)
