"""The tables as the code names them are the tables that the migrations made."""

import sqlalchemy as sa

from services.chassis.database import Database
from services.chassis.migrations import BOOKKEEPING
from services.vouchers.persistence.tables import metadata


def test_columns_agree(database: Database) -> None:
    migrated = sa.MetaData()
    migrated.reflect(database.engine)

    def shapes(tables: sa.MetaData) -> dict[str, set[tuple[str, str, bool]]]:
        return {
            name: {
                (column.name, column.type.compile(database.engine.dialect), bool(column.nullable))
                for column in table.columns
            }
            for name, table in tables.tables.items()
            if name not in BOOKKEEPING
        }

    assert shapes(migrated) == shapes(metadata)
