"""The tables of the consumers, on SQLite and PostgreSQL alike."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from microgrid_lib.access import MAX_ACTOR_NAME
from microgrid_lib.consumers.fields import MAX_NAME, MAX_NOTES
from microgrid_lib.consumers.model import ConsumerType
from microgrid_lib.database.columns import FoldedText, UtcDateTime, make_metadata
from microgrid_lib.database.schema import Schema

MAX_SITE_NAME = 100


metadata = make_metadata()

consumers = sa.Table(
    "consumers",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("site", sa.String(MAX_SITE_NAME), nullable=False),
    sa.Column("name", sa.String(MAX_NAME), nullable=False),
    sa.Column("type", sa.String(20), nullable=False),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("latitude", sa.Double, nullable=False),
    sa.Column("longitude", sa.Double, nullable=False),
    sa.Column("rated_power_kw", sa.Double),
    sa.Column("notes", sa.String(MAX_NOTES)),
    sa.Column("name_folded", FoldedText, nullable=False),
    sa.Column("text_folded", FoldedText, nullable=False),
    sa.Column("created_by", sa.String(MAX_ACTOR_NAME), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("updated_by", sa.String(MAX_ACTOR_NAME), nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("deleted", sa.Boolean, nullable=False),
    sa.CheckConstraint("length(name) BETWEEN 1 AND 50", name="name"),
    sa.CheckConstraint(f"type IN ({', '.join(repr(str(t)) for t in ConsumerType)})", name="type"),
    sa.CheckConstraint("latitude BETWEEN -90 AND 90", name="latitude"),
    sa.CheckConstraint("longitude BETWEEN -180 AND 180", name="longitude"),
    sa.CheckConstraint("rated_power_kw >= 0", name="rated_power"),
    sa.CheckConstraint("version >= 1", name="version"),
    sa.Index(None, "site", "deleted", "name_folded"),
)

audit = sa.Table(
    "consumers_audit",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("actor", sa.String(MAX_ACTOR_NAME), nullable=False),
    sa.Column("role", sa.String(20), nullable=False),
    sa.Column("action", sa.String(20), nullable=False),
    # No foreign key: the log outlives what was removed for good.
    sa.Column("consumer_id", sa.String(36), nullable=False),
    sa.Column("site", sa.String(MAX_SITE_NAME), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("changes", sa.JSON, nullable=False),
    sa.Column("source", sa.Text),
    sa.Index(None, "consumer_id", "id"),
    sa.Index(None, "site", "id"),
)

SCHEMA = Schema(
    version_table="consumers_schema_version",
    head="0001",
    migrations=Path(__file__).with_name("migrations"),
    metadata=metadata,
    item="consumer",
)
