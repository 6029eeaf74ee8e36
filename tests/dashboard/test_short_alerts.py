"""The short list of alerts: what it shows, and where pressing it leads."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from microgrid_lib.dashboard.loaded import Loaded
from microgrid_lib.dashboard.page import Page
from microgrid_lib.dashboard.parts.short_alerts import ShortAlertsPart
from microgrid_lib.present.texts import texts_for
from microgrid_lib.window import Window
from tests.dashboard.fakes import END, FakeLibrary, FakeSiteData


@pytest.fixture
def data(home: Path) -> FakeSiteData:
    return FakeLibrary().open_site("mesa_del_sol", "as_published")


@pytest.fixture
def went() -> list[dict[str, str]]:
    return []


@pytest.fixture
def part(data: FakeSiteData, went: list[dict[str, str]]) -> ShortAlertsPart:
    made = ShortAlertsPart(Page(lambda **values: went.append(values), lambda problem: None))
    made.load(view(data))
    return made


def view(data: FakeSiteData, language: str = "en") -> Loaded:
    zone = data.site.display_zone
    window = Window((END - timedelta(days=7)).astimezone(zone), END.astimezone(zone))
    return Loaded(data, window, texts_for(language), "", END, True)  # type: ignore[arg-type]


def test_it_lists_what_the_library_found(part: ShortAlertsPart, data: FakeSiteData) -> None:
    shown = re.findall(r'<tr data-alert="([^"]+)"', part._list.value)
    assert shown == [alert.id for alert in reversed(data.happened)]
    assert "1 active · 3 in this period" in part._list.value
    assert re.findall(r"</span> (\w+)</span>", part._list.value) == ["warning", "ended", "ended"]


def test_pressing_an_alert_shows_its_time(
    part: ShortAlertsPart, went: list[dict[str, str]], data: FakeSiteData
) -> None:
    part._picks.field.value = f"show:{data.happened[1].id}"
    assert went == [
        {
            "section": "storage",
            "period": "custom",
            "start": "2022-07-31T18:45:00",
            "end": "2022-07-31T19:46:00",
        }
    ]
    assert part._picks.field.value == ""
    part._picks.field.value = f"show:{data.happened[1].id}"
    assert len(went) == 2


@pytest.mark.parametrize("picked", ["show:", "show:nothing", "<script>", "choose:x"])
def test_a_browser_that_picks_what_is_not_there_goes_nowhere(
    part: ShortAlertsPart, went: list[dict[str, str]], picked: str
) -> None:
    part._picks.field.value = picked
    assert went == []


def test_there_is_a_way_to_all_alerts(part: ShortAlertsPart, went: list[dict[str, str]]) -> None:
    part.all.click()
    assert went == [{"section": "storage"}]


def test_no_alerts_is_a_sentence(part: ShortAlertsPart, data: FakeSiteData) -> None:
    data.happened, data.version = [], "2"
    part.load(view(data, "fr"))
    assert "aucune alerte sur cette période" in part._list.value
    assert "<table" not in part._list.value
