"""One database and one role per service; only that role (and the superuser) can connect to it."""

import psycopg
from psycopg import sql


def ensure_database(admin_url: str, name: str, password: str, *, template: str = "template1") -> None:
    """Create role and database `name` if missing, set the password, close the database to others."""
    role = sql.Identifier(name)
    with psycopg.connect(admin_url, autocommit=True) as connection:
        known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone()
        statement = "ALTER ROLE {} LOGIN PASSWORD {}" if known else "CREATE ROLE {} LOGIN PASSWORD {}"
        connection.execute(sql.SQL(statement).format(role, sql.Literal(password)))
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            create_database(connection, name, owner=name, template=template)
        for shared in ("postgres", "template1"):
            connection.execute(
                sql.SQL("REVOKE CONNECT ON DATABASE {} FROM PUBLIC").format(sql.Identifier(shared))
            )


def create_database(
    connection: psycopg.Connection[tuple[object, ...]], name: str, *, owner: str, template: str = "template1"
) -> None:
    """Create a database that only `owner` can connect to; `connection` must be in autocommit mode."""
    statement = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}")
    connection.execute(
        statement.format(sql.Identifier(name), sql.Identifier(owner), sql.Identifier(template))
    )
    connection.execute(sql.SQL("REVOKE CONNECT ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))
