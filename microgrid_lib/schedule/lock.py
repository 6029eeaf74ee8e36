"""One scheduler at a time: of a SQLite file on this machine, of a PostgreSQL database anywhere.

Either lock belongs to the process and is gone with it, also when it is killed.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from filelock import FileLock, Timeout

from microgrid_lib.database.connections import Database
from microgrid_lib.database.engine import make_engine, translated
from microgrid_lib.errors import StoreError
from microgrid_lib.schedule.errors import AnotherSchedulerError
from microgrid_lib.schedule.tables import holder
from microgrid_lib.settings import Settings

_ADVISORY_LOCK = 0x6D6773636865


@contextmanager
def only_scheduler(settings: Settings, database: Database) -> Iterator[Callable[[], None]]:
    """Be the only scheduler.

    Yields
    ------
    callable
        Raises `StoreError` where the lock was lost, which a connection to PostgreSQL may.

    Raises
    ------
    AnotherSchedulerError
        Another one is; names its machine and process.
    StoreError
        The lock can't be made.
    """
    engine = make_engine(settings)
    try:
        if engine.dialect.name == "sqlite":
            with _file_lock(Path(str(engine.url.database)), database):
                _sign(database)
                yield lambda: None
        else:
            with translated(engine, "lock"), engine.connect() as plain:
                connection = plain.execution_options(isolation_level="AUTOCOMMIT")
                taken = connection.scalar(sa.select(sa.func.pg_try_advisory_lock(_ADVISORY_LOCK)))
                if not taken:
                    raise AnotherSchedulerError(_holder(database))
                _sign(database)
                yield lambda: _check(engine, connection)
    finally:
        engine.dispose()


@contextmanager
def _file_lock(path: Path, database: Database) -> Iterator[None]:
    lock = FileLock(
        path.with_name(f"{path.stem}.schedule.lock"),
        timeout=0,
        thread_local=False,
        fallback_to_soft=False,
    )
    try:
        lock.acquire()
    except Timeout:
        raise AnotherSchedulerError(_holder(database)) from None
    except OSError as error:
        raise StoreError(f"{lock.lock_file}: can't be locked ({error.strerror})") from None
    try:
        yield
    finally:
        lock.release()


def _check(engine: sa.Engine, connection: sa.Connection) -> None:
    with translated(engine, "lock"):
        connection.execute(sa.select(1))


def _sign(database: Database) -> None:
    """Write down who is the scheduler, for the message to the second one."""
    values = {"host": socket.gethostname(), "process": os.getpid(), "since": datetime.now(UTC)}
    with database.writing() as connection:
        connection.execute(sa.delete(holder))
        connection.execute(sa.insert(holder).values(id=1, **values))


def _holder(database: Database) -> str:
    with database.reading() as connection:
        row = connection.execute(sa.select(holder)).one_or_none()
    if row is None:
        return ""
    return f"process {row.process} on {row.host}, since {row.since:%Y-%m-%d %H:%M:%S} UTC"
