"""A home with a demo month, made by the command itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cli.outcome import DemoHome, call


@pytest.fixture(scope="session")
def made_home(tmp_path_factory: pytest.TempPathFactory) -> DemoHome:
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MICROGRID_HOME", str(folder))
        patch.delenv("MICROGRID_CONFIG", raising=False)
        made = call("demo", "--start", "2022-06", "--months", "1", "--json")
    return DemoHome(folder, made)


@pytest.fixture
def demo(made_home: DemoHome, monkeypatch: pytest.MonkeyPatch) -> Iterator[DemoHome]:
    """The demo home; nothing may be logged as a fault of ours."""
    monkeypatch.setenv("MICROGRID_HOME", str(made_home.path))
    monkeypatch.delenv("MICROGRID_CONFIG", raising=False)
    yield made_home
    assert not (made_home.path / "logs").exists()
