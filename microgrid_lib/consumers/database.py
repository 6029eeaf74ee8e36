"""The database behind the consumers: a SQLite file in WAL mode, or PostgreSQL by its URL.

A reader sees one state of the data for as long as its connection lasts. Writers wait for each
other: on SQLite for the whole file, on PostgreSQL for the rows they change.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from microgrid_lib.consumers.errors import BusyError
from microgrid_lib.consumers.tables import VERSION_TABLE
from microgrid_lib.errors import ConflictError, SettingsError, StoreError
from microgrid_lib.settings import Settings

HEAD = "0001"
WAIT_S = 10.0
_MIGRATIONS = Path(__file__).with_name("migrations")
_MIGRATING = Lock()
"""Alembic's `op` and `context` are global to the process."""
_ADVISORY_LOCK = 0x6D67636F6E73
_WRITING = "microgrid_writing"
# PostgreSQL: lock not available, deadlock, serialization failure.
_BUSY_STATES = {"55P03", "40P01", "40001"}


class Database:
    """Connections to an up-to-date consumers database.

    Parameters
    ----------
    engine
        From `open_database`.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        one_state = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        self._reader = engine.execution_options(
            **(one_state if engine.dialect.name == "postgresql" else {})
        )
        self._writer = engine.execution_options(**{_WRITING: True})

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Give a connection that sees one state of the data.

        Raises
        ------
        BusyError, StoreError
            The database is locked for too long, or can't be read.
        """
        with _translated(self._engine), self._reader.begin() as connection:
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
        with _translated(self._engine), self._writer.begin() as connection:
            yield connection

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()


def open_database(settings: Settings) -> Database:
    """Open the database of the settings; make or upgrade its tables where needed.

    Several processes may be the first at once: one makes the tables, the others wait.

    Parameters
    ----------
    settings
        `database_url`, or `<home>/consumers.sqlite` where it is None.

    Raises
    ------
    SettingsError
        The URL can't be understood, or isn't of SQLite or PostgreSQL.
    BusyError, StoreError
        The database can't be reached or written, or a newer program made it.
    """
    engine = _engine(_url(settings))
    try:
        with _translated(engine):
            if engine.dialect.name == "sqlite":
                _set_wal(engine)
            with engine.begin() as connection:
                current = _revision(connection)
            if current != HEAD:
                _upgrade(engine)
    except BaseException:
        engine.dispose()
        raise
    return Database(engine)


def _url(settings: Settings) -> sa.URL:
    if settings.database_url is None:
        path = settings.home / "consumers.sqlite"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{path.parent}: can't be made ({error.strerror})") from None
        return sa.URL.create("sqlite", database=str(path))
    variable = "MICROGRID_DATABASE_URL"
    try:
        url = sa.make_url(settings.database_url.get_secret_value())
    except (ArgumentError, ValueError):
        # The text may hold a password, so it isn't repeated.
        raise SettingsError(f"{variable}: isn't a database URL: postgresql://...") from None
    backend = url.get_backend_name()
    if backend in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise SettingsError(f"{variable}: {backend!r} isn't known: postgresql or sqlite")
    if not url.database or ":memory:" in url.database or url.database.startswith("file:"):
        raise SettingsError(f"{variable}: sqlite needs the path of a file: sqlite:///path")
    return url.set(drivername="sqlite")


def _engine(url: sa.URL) -> sa.Engine:
    # Values of consumers don't belong into messages and logs.
    if url.get_backend_name() == "sqlite":
        engine = sa.create_engine(url, hide_parameters=True, connect_args={"timeout": WAIT_S})
        event.listen(engine, "connect", _hand_over_transactions)
        event.listen(engine, "begin", _begin)
        return engine
    try:
        return sa.create_engine(
            url,
            hide_parameters=True,
            pool_pre_ping=True,
            connect_args={
                "connect_timeout": int(WAIT_S),
                "options": f"-c lock_timeout={int(WAIT_S * 1000)}",
                "application_name": "microgrid-consumers",
            },
        )
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"{error.name} isn't installed; install the extra: "
            "pip install 'microgrid-monitoring[postgres]'"
        ) from None


def _hand_over_transactions(connection: sqlite3.Connection, _record: Any) -> None:
    """Keep sqlite3 from beginning transactions by itself: it does so too late, only at a write."""
    connection.isolation_level = None


def _begin(connection: sa.Connection) -> None:
    """Begin a writer as such: one that turns from reader to writer can't wait for others."""
    writing = connection.get_execution_options().get(_WRITING, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def _set_wal(engine: sa.Engine) -> None:
    """Switch the file to WAL, once; SQLite doesn't wait by itself while others switch it."""
    deadline = time.monotonic() + WAIT_S
    raw = engine.raw_connection()
    try:
        while True:
            cursor = raw.cursor()
            try:
                if cursor.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
                    return
                cursor.execute("PRAGMA journal_mode=WAL").fetchone()
                return
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > deadline:
                    raise _readable(error, engine) from None
                time.sleep(0.02)
            except sqlite3.DatabaseError as error:
                raise _readable(error, engine) from None
            finally:
                cursor.close()
    finally:
        raw.close()


def _revision(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table(VERSION_TABLE):
        return None
    table = sa.table(VERSION_TABLE, sa.column("version_num"))
    revision: str | None = connection.scalar(sa.select(table.c.version_num))
    return revision


def _upgrade(engine: sa.Engine) -> None:
    """Bring the tables up to date in one transaction that only one process is in."""
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    with _MIGRATING, engine.execution_options(**{_WRITING: True}).begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_ADVISORY_LOCK)))
        current = _revision(connection)
        if current is not None and current not in known:
            raise StoreError(
                f"{_name(engine)}: made by a newer version of the program "
                f"(schema {current}, this one knows {HEAD})"
            )
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


@contextmanager
def _translated(engine: sa.Engine) -> Iterator[None]:
    """Turn the database's errors into one line each."""
    try:
        yield
    except PoolTimeoutError:
        raise _busy(engine) from None
    except IntegrityError as error:
        state = getattr(error.orig, "sqlstate", None)
        if state == "23505" or "UNIQUE" in str(error.orig):
            raise ConflictError(
                "another process added the same consumer at once: repeat the change"
            ) from None
        raise
    except DBAPIError as error:
        raise _readable(error.orig, engine) from error


def _readable(error: BaseException | None, engine: sa.Engine) -> StoreError | BusyError:
    text = next(iter(str(error).splitlines()), "")
    if "locked" in text or getattr(error, "sqlstate", None) in _BUSY_STATES:
        return _busy(engine)
    return StoreError(f"{_name(engine)}: {text}")


def _busy(engine: sa.Engine) -> BusyError:
    return BusyError(
        f"{_name(engine)}: another process has been writing for {WAIT_S:g} s; try again"
    )


def _name(engine: sa.Engine) -> str:
    """Where the database is, without its password."""
    if engine.dialect.name == "sqlite":
        return str(engine.url.database)
    # A query may name a password too.
    url = engine.url.set(query={}).render_as_string(hide_password=True)
    return f"consumers database {url}"
