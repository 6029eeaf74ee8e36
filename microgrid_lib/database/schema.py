"""Versions of a set of tables, and bringing them up to date (Alembic)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import sqlalchemy as sa

from microgrid_lib.database.engine import WRITING, database_name
from microgrid_lib.errors import StoreError

if TYPE_CHECKING:
    from alembic.config import Config

_ENVIRONMENT = Path(__file__).with_name("migrations")
_MIGRATING = Lock()
"""Alembic's `op` and `context` are global to the process."""
_ADVISORY_LOCK = 0x6D67636F6E73


@dataclass(frozen=True)
class Schema:
    """A set of tables that changes together.

    Parameters
    ----------
    version_table
        Where the database keeps the version of these tables.
    head
        The version this program knows.
    migrations
        Folder of the changes, a module per version.
    metadata
        The tables as the program uses them.
    item
        What a row is called in messages: "consumer".
    """

    version_table: str
    head: str
    migrations: Path
    metadata: sa.MetaData
    item: str

    def alembic_config(self) -> Config:
        """What Alembic needs to know; `attributes["connection"]` is the caller's."""
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", _escaped(_ENVIRONMENT))
        config.set_main_option("version_locations", _escaped(self.migrations))
        config.set_main_option("path_separator", "newline")
        config.attributes["schema"] = self
        return config


def is_current(connection: sa.Connection, schema: Schema) -> bool:
    """Whether the tables have the version this program knows."""
    return _revision(connection, schema) == schema.head


def _revision(connection: sa.Connection, schema: Schema) -> str | None:
    if not sa.inspect(connection).has_table(schema.version_table):
        return None
    table = sa.table(schema.version_table, sa.column("version_num"))
    revision: str | None = connection.scalar(sa.select(table.c.version_num))
    return revision


def upgrade(engine: sa.Engine, schema: Schema) -> None:
    """Bring the tables up to date in one transaction that only one process is in.

    Raises
    ------
    StoreError
        A newer program made them.
    """
    from alembic import command
    from alembic.script import ScriptDirectory

    config = schema.alembic_config()
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    with _MIGRATING, engine.execution_options(**{WRITING: True}).begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_ADVISORY_LOCK)))
        current = _revision(connection, schema)
        if current is not None and current not in known:
            raise StoreError(
                f"{database_name(engine)}: made by a newer version of the program "
                f"(schema {current}, this one knows {schema.head})"
            )
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _escaped(path: Path) -> str:
    return str(path).replace("%", "%%")
