"""Consumers and their audit log."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# A migration keeps its own copy of the schema: the tables in `tables` go on changing.
_TIME = sa.DateTime(timezone=True)
_FOLDED = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make both tables."""
    op.create_table(
        "consumers",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("site", sa.String(100), nullable=False),
        sa.Column("name", sa.String(50), nullable=False),
        sa.Column("type", sa.String(20), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("latitude", sa.Double(), nullable=False),
        sa.Column("longitude", sa.Double(), nullable=False),
        sa.Column("rated_power_kw", sa.Double()),
        sa.Column("notes", sa.String(2000)),
        sa.Column("name_folded", _FOLDED, nullable=False),
        sa.Column("text_folded", _FOLDED, nullable=False),
        sa.Column("created_by", sa.String(100), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("updated_by", sa.String(100), nullable=False),
        sa.Column("updated_at", _TIME, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_consumers"),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 50", name=op.f("ck_consumers_name")),
        sa.CheckConstraint("type IN ('critical', 'non-critical')", name=op.f("ck_consumers_type")),
        sa.CheckConstraint("latitude BETWEEN -90 AND 90", name=op.f("ck_consumers_latitude")),
        sa.CheckConstraint("longitude BETWEEN -180 AND 180", name=op.f("ck_consumers_longitude")),
        sa.CheckConstraint("rated_power_kw >= 0", name=op.f("ck_consumers_rated_power")),
        sa.CheckConstraint("version >= 1", name=op.f("ck_consumers_version")),
    )
    op.create_index(
        "ix_consumers_site_deleted_name_folded", "consumers", ["site", "deleted", "name_folded"]
    )
    op.create_table(
        "consumers_audit",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("actor", sa.String(100), nullable=False),
        sa.Column("role", sa.String(20), nullable=False),
        sa.Column("action", sa.String(20), nullable=False),
        sa.Column("consumer_id", sa.String(36), nullable=False),
        sa.Column("site", sa.String(100), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("changes", sa.JSON(), nullable=False),
        sa.Column("source", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_consumers_audit"),
    )
    op.create_index("ix_consumers_audit_consumer_id_id", "consumers_audit", ["consumer_id", "id"])
    op.create_index("ix_consumers_audit_site_id", "consumers_audit", ["site", "id"])


def downgrade() -> None:
    """Remove both tables, with what is in them."""
    op.drop_table("consumers_audit")
    op.drop_table("consumers")
