"""Engines of SQLite and PostgreSQL, and their errors as one line each."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from microgrid_lib.errors import BusyError, ConflictError, SettingsError, StoreError
from microgrid_lib.settings import Settings

WAIT_S = 10.0
WRITING = "microgrid_writing"
# PostgreSQL: lock not available, deadlock, serialization failure.
_BUSY_STATES = {"55P03", "40P01", "40001"}


def make_engine(settings: Settings) -> sa.Engine:
    """Make the engine of the settings' database, without connecting to it.

    Raises
    ------
    SettingsError
        The URL can't be understood, or isn't of SQLite or PostgreSQL.
    StoreError
        The home can't be made.
    """
    return _engine(_url(settings))


def _url(settings: Settings) -> sa.URL:
    if settings.database_url is None:
        path = settings.home / "consumers.sqlite"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # It holds password hashes: for its owner alone, and so is what SQLite puts beside it.
            path.touch(mode=0o600)
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
    # Values of rows don't belong into messages and logs.
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
                "application_name": "microgrid",
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
    writing = connection.get_execution_options().get(WRITING, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def set_wal(engine: sa.Engine) -> None:
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


@contextmanager
def translated(engine: sa.Engine, item: str) -> Iterator[None]:
    """Turn the database's errors into one line each; `item` is what a row is called."""
    try:
        yield
    except PoolTimeoutError:
        raise _busy(engine) from None
    except IntegrityError as error:
        state = getattr(error.orig, "sqlstate", None)
        if state == "23505" or "UNIQUE" in str(error.orig):
            raise ConflictError(
                f"another process added the same {item} at once: repeat the change"
            ) from None
        raise
    except DBAPIError as error:
        raise _readable(error.orig, engine) from error


def _readable(error: BaseException | None, engine: sa.Engine) -> StoreError | BusyError:
    text = next(iter(str(error).splitlines()), "")
    if "locked" in text or getattr(error, "sqlstate", None) in _BUSY_STATES:
        return _busy(engine)
    return StoreError(f"{database_name(engine)}: {text}")


def _busy(engine: sa.Engine) -> BusyError:
    return BusyError(
        f"{database_name(engine)}: another process has been writing for {WAIT_S:g} s; try again"
    )


def database_name(engine: sa.Engine) -> str:
    """Where the database is, without its password."""
    if engine.dialect.name == "sqlite":
        return str(engine.url.database)
    # A query may name a password too.
    url = engine.url.set(query={}).render_as_string(hide_password=True)
    return f"database {url}"
