"""A database of tables that several processes share: a SQLite file in WAL mode, or PostgreSQL.

A reader sees one state of the data for as long as its connection lasts. Writers wait for each
other: on SQLite for the whole file, on PostgreSQL for the rows they change.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from microgrid_lib.database.engine import WRITING, make_engine, set_wal, translated
from microgrid_lib.database.schema import Schema, is_current, upgrade
from microgrid_lib.settings import Settings


class Database:
    """Connections to a database whose tables are up to date.

    Parameters
    ----------
    engine, schema
        See `open_database`.
    """

    def __init__(self, engine: sa.Engine, schema: Schema) -> None:
        self._engine = engine
        self._item = schema.item
        one_state = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        self._reader = engine.execution_options(
            **(one_state if engine.dialect.name == "postgresql" else {})
        )
        self._writer = engine.execution_options(**{WRITING: True})

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Give a connection that sees one state of the data.

        Raises
        ------
        BusyError, StoreError
            The database is locked for too long, or can't be read.
        """
        with translated(self._engine, self._item), self._reader.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """Give a connection whose changes come into force together at the end, or not at all.

        Raises
        ------
        ConflictError
            Another process wrote the same rows at once.
        BusyError, StoreError
            The database is locked for too long, or can't be written.
        """
        with translated(self._engine, self._item), self._writer.begin() as connection:
            yield connection

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()


def open_database(settings: Settings, schema: Schema) -> Database:
    """Open the database of the settings; make or upgrade the tables of a schema where needed.

    Several processes may be the first at once: one makes the tables, the others wait.

    Parameters
    ----------
    settings
        `database_url`, or `<home>/consumers.sqlite` where it is None.
    schema
        Of the tables asked for; others in the same database stay as they are.

    Raises
    ------
    SettingsError
        The URL can't be understood, or isn't of SQLite or PostgreSQL.
    BusyError, StoreError
        The database can't be reached or written, or a newer program made it.
    """
    engine = make_engine(settings)
    try:
        with translated(engine, schema.item):
            if engine.dialect.name == "sqlite":
                set_wal(engine)
            with engine.begin() as connection:
                current = is_current(connection, schema)
            if not current:
                upgrade(engine, schema)
    except BaseException:
        engine.dispose()
        raise
    return Database(engine, schema)
