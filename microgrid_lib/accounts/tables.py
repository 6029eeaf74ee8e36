"""The table of accounts, on SQLite and PostgreSQL alike."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from microgrid_lib.access import MAX_ACTOR_NAME, Role
from microgrid_lib.database.columns import FoldedText, UtcDateTime, make_metadata
from microgrid_lib.database.schema import Schema

metadata = make_metadata()

accounts = sa.Table(
    "accounts",
    metadata,
    sa.Column("name_folded", FoldedText, primary_key=True),
    sa.Column("name", sa.String(MAX_ACTOR_NAME), nullable=False),
    sa.Column("role", sa.String(20), nullable=False),
    sa.Column("password_hash", sa.Text),
    sa.Column("stamp", sa.String(40), nullable=False),
    sa.Column("created_by", sa.String(MAX_ACTOR_NAME), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("updated_by", sa.String(MAX_ACTOR_NAME), nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.CheckConstraint(f"role IN ({', '.join(repr(str(r)) for r in Role)})", name="role"),
)

SCHEMA = Schema(
    version_table="accounts_schema_version",
    head="0001",
    migrations=Path(__file__).with_name("migrations"),
    metadata=metadata,
    item="account",
)
