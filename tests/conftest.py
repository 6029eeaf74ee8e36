"""What many tests need: a home of their own, a small demo month, the real data where they are."""

from __future__ import annotations

from pathlib import Path

import pytest

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
