"""An INSERT that leaves a row alone which is there already, in either database's words."""

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql.dml import Insert


def insert_once(connection: Connection, table: Table) -> Insert:
    """``INSERT ... ON CONFLICT DO NOTHING``; what is there wins."""
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql  # noqa: PLC0415  as in columns.Document

        return postgresql.insert(table).on_conflict_do_nothing()
    return sqlite.insert(table).on_conflict_do_nothing()
