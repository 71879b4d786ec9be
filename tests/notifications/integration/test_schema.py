"""The migrations make exactly the tables that the code works with."""

import warnings

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from services.chassis.migrations import BOOKKEEPING
from services.notifications.persistence.tables import metadata
from tests.notifications.support.world import World


def test_migrated_tables_are_the_defined_ones(world: World) -> None:
    with world.database.read() as connection, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Did not recognize type 'xid8'", sa.exc.SAWarning)
        options = {"include_name": lambda name, *_: name not in BOOKKEEPING}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []
