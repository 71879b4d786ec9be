"""Settings that do not fit together stop the process before it does harm."""

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
