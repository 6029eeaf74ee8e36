"""The tables of jobs, runs, alerts told of and the running scheduler, for both databases."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from microgrid_lib.database.columns import UtcDateTime, make_metadata
from microgrid_lib.database.schema import Schema

STATES = ("running", "waiting", "done", "empty", "failed")

metadata = make_metadata()

jobs = sa.Table(
    "schedule_jobs",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("since", UtcDateTime, nullable=False),
    sa.Column("failing", sa.Boolean, nullable=False),
)

runs = sa.Table(
    "schedule_runs",
    metadata,
    sa.Column("job", sa.Text, primary_key=True),
    sa.Column("due", UtcDateTime, primary_key=True),
    sa.Column("dues", sa.Text, nullable=False),
    sa.Column("missed", sa.Integer, nullable=False),
    sa.Column("state", sa.String(20), nullable=False, index=True),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("next_at", UtcDateTime),
    sa.Column("started_at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime),
    sa.Column("reason", sa.Text),
    sa.Column("reports", sa.Text, nullable=False),
    sa.Column("log", sa.Text, nullable=False),
    sa.CheckConstraint(f"state IN ({', '.join(map(repr, STATES))})", name="state"),
)

watches = sa.Table(
    "schedule_watches",
    metadata,
    sa.Column("rule", sa.Text, primary_key=True),
    sa.Column("site", sa.Text, primary_key=True),
    sa.Column("profile", sa.Text, primary_key=True),
    sa.Column("since", UtcDateTime, nullable=False),
)

told = sa.Table(
    "schedule_told",
    metadata,
    sa.Column("rule", sa.Text, primary_key=True),
    sa.Column("site", sa.Text, primary_key=True),
    sa.Column("profile", sa.Text, primary_key=True),
    sa.Column("alert", sa.Text, primary_key=True),
    sa.Column("start", UtcDateTime, primary_key=True),
    sa.Column("severity", sa.String(20), nullable=False),
    sa.Column("ended", sa.Boolean, nullable=False),
)

holder = sa.Table(
    "schedule_holder",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("process", sa.Integer, nullable=False),
    sa.Column("since", UtcDateTime, nullable=False),
)

SCHEMA = Schema(
    version_table="schedule_schema_version",
    head="0001",
    migrations=Path(__file__).with_name("migrations"),
    metadata=metadata,
    item="run",
)
