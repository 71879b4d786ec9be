"""Alembic's environment, one for all services."""
