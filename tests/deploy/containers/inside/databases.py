"""What PostgreSQL refuses to a service's role: what was tried → SQLSTATE or message, null if it was let."""

import json
from pathlib import Path

import psycopg
from sqlalchemy.engine import make_url

DATABASES = ("identity", "catalogue", "vouchers", "notifications", "postgres", "template1")
STATEMENTS = (
    "CREATE ROLE thief SUPERUSER",
    "CREATE DATABASE loot",
    "SET ROLE ambito_admin",
    "SELECT rolpassword FROM pg_authid",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_stat_file('/')",
    "COPY (SELECT 1) TO PROGRAM 'id'",
    "ALTER SYSTEM SET log_statement = 'all'",
)
URL = make_url(Path("/run/secrets/database_url").read_text().strip())


def refused(database: str | None, statement: str = "SELECT 1") -> str | None:
    try:
        with psycopg.connect(
            host=URL.host,
            port=URL.port,
            user=URL.username,
            password=URL.password,
            dbname=database,
            connect_timeout=5,
            autocommit=True,
        ) as connection:
            connection.execute(statement.encode())
    except psycopg.Error as error:
        return error.sqlstate or str(error)
    return None


print(
    json.dumps(
        {
            "own": refused(URL.database),
            **{each: refused(each) for each in DATABASES if each != URL.database},
            **{each: refused(URL.database, each) for each in STATEMENTS},
        }
    )
)
