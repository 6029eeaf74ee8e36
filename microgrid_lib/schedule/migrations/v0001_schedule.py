"""Jobs, runs, alerts told of, and the scheduler that runs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# A migration keeps its own copy of the schema: the tables in `tables` go on changing.
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "schedule_jobs",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("since", _TIME, nullable=False),
        sa.Column("failing", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_schedule_jobs"),
    )
    op.create_table(
        "schedule_runs",
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("due", _TIME, nullable=False),
        sa.Column("dues", sa.Text(), nullable=False),
        sa.Column("missed", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("next_at", _TIME),
        sa.Column("started_at", _TIME, nullable=False),
        sa.Column("ended_at", _TIME),
        sa.Column("reason", sa.Text()),
        sa.Column("reports", sa.Text(), nullable=False),
        sa.Column("log", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("job", "due", name="pk_schedule_runs"),
        sa.CheckConstraint(
            "state IN ('running', 'waiting', 'done', 'empty', 'failed')",
            name=op.f("ck_schedule_runs_state"),
        ),
    )
    op.create_index("ix_schedule_runs_state", "schedule_runs", ["state"])
    op.create_table(
        "schedule_watches",
        *_watched(),
        sa.Column("since", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("rule", "site", "profile", name="pk_schedule_watches"),
    )
    op.create_table(
        "schedule_told",
        *_watched(),
        sa.Column("alert", sa.Text(), nullable=False),
        sa.Column("start", _TIME, nullable=False),
        sa.Column("severity", sa.String(20), nullable=False),
        sa.Column("ended", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint(
            "rule", "site", "profile", "alert", "start", name="pk_schedule_told"
        ),
    )
    op.create_table(
        "schedule_holder",
        sa.Column("id", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("process", sa.Integer(), nullable=False),
        sa.Column("since", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_schedule_holder"),
    )


def _watched() -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in ("rule", "site", "profile")]


def downgrade() -> None:
    """Remove the tables, with what is in them."""
    for name in ("holder", "told", "watches", "runs", "jobs"):
        op.drop_table(f"schedule_{name}")
