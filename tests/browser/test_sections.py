"""Every section in both languages: complete, translated, with the library's numbers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from microgrid_lib.api import SiteData, open_site
from microgrid_lib.dashboard.sections import SECTIONS

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

TRADE_STREET = Path(__file__).resolve().parents[2] / "../shared/data/trade_street"
PLACES = [(section.name, tab) for section in SECTIONS.values() for tab in section.tabs]
KEY = re.compile(r"\b[a-z]+\.[a-z0-9]+(?:_[a-z0-9]+)+\b")
"""A message's key that was shown in place of the message."""

READY_MS = 120_000


@pytest.fixture(scope="module")
def trade_street(demo_site: SiteData) -> SiteData:
    """The second real site, in the home of the pages."""
    files = sorted(TRADE_STREET.glob("*.csv"))
    if not files:
        pytest.skip("the real data of Trade Street aren't here")
    data = open_site("trade_street", settings=demo_site.settings)
    data.ingest(files)
    return data


def go(visit: Any, site: str, section: str, tab: str, language: str) -> None:
    """Choose by address, as going back in the browser does, and wait until all is there."""
    query = f"site={site}&period=7d&section={section}&tab={tab}&lang={language}"
    visit.page.evaluate(
        """query => {
            const field = document.querySelector('.mg-bridge-in input');
            field.value = new URLSearchParams({ query, at: Date.now() });
            field.dispatchEvent(new Event('change', { bubbles: true }));
        }""",
        query,
    )
    shown = tab or next(iter(SECTIONS[section].tabs))
    heading = (
        f"[data-section='{section}'][data-tab='{shown}'][data-site='{site}']"
        f"[data-language='{language}']"
    )
    # The same section may still show the day it was opened with.
    visit.page.wait_for_function(
        """heading => {
            const shown = document.querySelector(heading);
            const span = shown && new Date(shown.dataset.end) - new Date(shown.dataset.start);
            return span > 6 * 86400e3;
        }""",
        arg=heading,
        timeout=READY_MS,
    )


def check(visit: Any, data: SiteData) -> None:
    """Compare every card with the library, and look for keys among the texts."""
    heading = visit.page.locator("[data-section]").first
    start, end = (str(heading.get_attribute(f"data-{name}")) for name in ("start", "end"))
    report = data.kpis(data.window(start, end))
    cards = visit.page.locator("[data-kpi]:visible").evaluate_all(
        "cards => cards.map(c => [c.dataset.kpi, c.dataset.value])"
    )
    want = {k: "" if v.value is None else repr(float(v.value)) for k, v in report.kpis.items()}
    found = {name: value for name, value in cards if name in want}
    assert found == {name: want[name] for name in found}
    text = visit.page.inner_text(".mg-app")
    assert KEY.findall(text) == []
    assert "Traceback" not in text
    assert visit.page.locator(".mg-main [data-notice='error']:visible").count() == 0


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize(("section", "tab"), PLACES)
def test_a_section_of_demo_data_is_complete(
    shared: Any, demo_site: SiteData, section: str, tab: str, language: str
) -> None:
    go(shared, "mesa_del_sol", section, tab, language)
    check(shared, demo_site)


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize(("section", "tab"), PLACES)
def test_a_section_of_a_site_with_less_is_complete(
    shared: Any, trade_street: SiteData, section: str, tab: str, language: str
) -> None:
    go(shared, "trade_street", section, tab, language)
    check(shared, trade_street)


def test_all_sections_show_cards_of_the_library(shared: Any) -> None:
    seen = set()
    for section in ("production", "storage", "distribution", "quality"):
        go(shared, "mesa_del_sol", section, "", "en")
        seen |= set(
            shared.page.locator("[data-kpi]:visible").evaluate_all(
                "cards => cards.map(c => c.dataset.kpi)"
            )
        )
    assert {
        "renewable_share",
        "battery_autonomy_h",
        "self_sufficiency",
        "mean_bus_voltage",
    } <= seen
