"""The worker's jobs."""

from datetime import timedelta

import sqlalchemy as sa

from services.chassis.migrations import BOOKKEEPING
from services.identity.application import purge
from services.identity.application.log_in import log_in
from services.identity.entrypoints.worker import jobs
from services.identity.persistence.tables import refresh_token, session
from services.identity.settings import IdentitySettings
from tests.identity.world import PASSWORD, World


def test_sessions_are_thrown_away_some_days_after_their_end(world: World) -> None:
    world.registered(username="anna")
    for _ in range(3):
        log_in(world.parts, username="anna", password=PASSWORD, client_address=None)
    kept_for = timedelta(days=7)
    world.clock.advance(timedelta(days=37))
    assert purge.purge_sessions(world.database, world.clock, kept_for=kept_for) == 0
    world.clock.advance(timedelta(seconds=1))
    assert purge.purge_sessions(world.database, world.clock, kept_for=kept_for) == 3
    assert world.count(session) == world.count(refresh_token) == 0


def test_each_job_can_be_run_again_and_again(world: World) -> None:
    made = jobs(IdentitySettings(database_url=world.database.url), world.database)
    assert {job.name for job in made} == {"purge-sessions", "purge-throttles", "expire-delegations"}
    for job in made * 2:
        job.run(world.database)


def test_the_tables_are_as_the_migrations_make_them(world: World) -> None:
    """What the statements are written for is what the database has: columns, nullability, keys."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from services.identity.persistence.tables import metadata

    with world.database.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"include_name": lambda name, *_: name not in BOOKKEEPING}
        )
        assert compare_metadata(context, metadata) == []
        assert sa.inspect(connection).get_table_names()
