"""Rows that may be there already."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite


def insert(dialect: str, table: sa.Table) -> "postgresql.Insert | sqlite.Insert":
    """An INSERT that can be told what to do about a row that is there; both databases say it in the same words."""
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)
