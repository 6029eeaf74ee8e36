"""The tables of the consumers database, on SQLite and PostgreSQL alike."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

from microgrid_lib.access import MAX_ACTOR_NAME
from microgrid_lib.consumers.fields import MAX_NAME, MAX_NOTES
from microgrid_lib.consumers.model import ConsumerType

VERSION_TABLE = "consumers_schema_version"
MAX_SITE_NAME = 100


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """A time in UTC; SQLite has no type for it and gives naive times back."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Write UTC; a naive time is a mistake in the code."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without zone: {value}")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Read UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


# Code-point order on both databases, whatever the server's language.
FoldedText = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

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
