"""Sections built before anyone asks for them: out of sight, once the page is there."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from microgrid_lib.dashboard import ahead
from microgrid_lib.dashboard.ahead import Ahead
from microgrid_lib.dashboard.app import Dashboard
from microgrid_lib.dashboard.stage import AWAY
from tests.dashboard.fakes import FakeLibrary

SECTIONS = ("production", "storage")


def ready(app: Dashboard, name: str) -> bool:
    return f'data-section="{name}"' in app.panels[name]._heading.value


def test_a_section_built_ahead_waits_out_of_sight_and_is_shown_as_it_is(home: Path) -> None:
    app = Dashboard(*SECTIONS, library=FakeLibrary())
    for _ in app._build_ahead():
        assert app.frame.body.widget.children[0] is app.panels["production"].widget
    waiting = app.panels["storage"].widget
    assert app.frame.body.widget.children == (app.panels["production"].widget, waiting)
    assert AWAY in waiting._dom_classes
    assert not ready(app, "storage")
    app.choices.change(section="storage")
    assert AWAY not in waiting._dom_classes
    assert AWAY in app.panels["production"].widget._dom_classes
    assert [name for name in SECTIONS if ready(app, name)] == ["storage"]


def test_what_the_viewer_went_to_meanwhile_is_left_alone(home: Path) -> None:
    app = Dashboard(*SECTIONS, library=FakeLibrary())
    pieces = app._build_ahead()
    next(pieces)
    app.choices.change(section="storage", period="7d")
    shown = app.panel._shown
    for _ in pieces:
        pass
    assert app.panel._shown is shown
    assert ready(app, "storage")


def test_a_site_without_data_has_nothing_to_build(home: Path) -> None:
    app = Dashboard(*SECTIONS, library=FakeLibrary(empty=("mesa_del_sol",)))
    assert list(app._build_ahead()) == []


def test_waits_while_the_machine_is_busy_and_begins_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "FIRST_S", 0.0)
    monkeypatch.setattr(ahead, "PAUSE_S", 0.0)
    answers = iter([True, True, False, False])
    asked: list[bool] = []
    done: list[int] = []

    def busy() -> bool:
        asked.append(next(answers))
        return asked[-1]

    monkeypatch.setattr(ahead, "busy", busy)

    async def run() -> None:
        finished = asyncio.Event()

        def pieces() -> Iterator[None]:
            for piece in range(2):
                done.append(piece)
                yield
            finished.set()

        work = Ahead(pieces())
        work.start()
        work.start()
        await asyncio.wait_for(finished.wait(), 10)

    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(run())).result()
    assert done == [0, 1]
    assert asked == [True, True, False, False]
