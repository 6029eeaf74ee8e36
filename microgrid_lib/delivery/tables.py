"""The table of deliveries, on SQLite and PostgreSQL alike."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from microgrid_lib.database.columns import UtcDateTime, make_metadata
from microgrid_lib.database.schema import Schema

STATES = ("pending", "sending", "sent", "undelivered", "refused", "given_up")

metadata = make_metadata()

deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("origin", sa.Text, nullable=False, index=True),
    sa.Column("channel", sa.String(20), nullable=False),
    sa.Column("recipient", sa.Text, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("state", sa.String(20), nullable=False, index=True),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("rounds", sa.Integer, nullable=False),
    sa.Column("error", sa.Text),
    sa.Column("about", sa.String(32), index=True),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("next_at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime),
    sa.CheckConstraint(f"state IN ({', '.join(map(repr, STATES))})", name="state"),
)

SCHEMA = Schema(
    version_table="deliveries_schema_version",
    head="0001",
    migrations=Path(__file__).with_name("migrations"),
    metadata=metadata,
    item="delivery",
)
