"""Grid quality and the simulation in a real browser."""

from __future__ import annotations

from typing import Any

import pytest

from microgrid_lib.api import SiteData
from microgrid_lib.simulation.scenario import Scenario

playwright = pytest.importorskip("playwright.sync_api", reason="playwright isn't installed")

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

PERIOD = "period=custom&start=2022-06-01&end=2022-07-01"


def metric(visit: Any, name: str) -> float:
    return float(visit.page.get_attribute(f"[data-metric='{name}']", "data-value"))


def test_verdicts_and_excursions_are_the_librarys(
    visit: Any, address: str, demo_site: SiteData
) -> None:
    visit.open(f"{address}?{PERIOD}&tab=measured", "quality")
    window = demo_site.window("2022-06", "2022-07")
    rules = demo_site.compliance(window).rules
    rows = visit.page.locator(".mg-panel > .widget-html-content > .mg-wide tbody tr:visible")
    shown = [row.get_attribute("data-verdict") for row in rows.all()]
    assert shown == [rule.verdict or "" for rule in rules]
    count = visit.page.get_attribute("[data-excursions]", "data-excursions")
    assert count == str(len(demo_site.excursions(window)))
    said = visit.page.locator(".mg-chart .mg-sub:visible").first
    before = said.inner_text()
    visit.page.locator(".mg-excursion button").first.click()
    playwright.expect(said).not_to_have_text(before, timeout=30_000)


def test_a_slider_moved_by_keyboard_shows_what_the_library_simulates(
    visit: Any, address: str, demo_site: SiteData
) -> None:
    visit.open(f"{address}?profile=gas_engine&tab=simulation&lang=fr", "quality")
    gas = SiteData(demo_site.site, demo_site.site.profile("gas_engine"), demo_site.settings)
    day = gas.simulation_days()[-1]
    base = gas.simulate(day).metrics.energy_kwh
    assert metric(visit, "load") == base.load
    visit.page.locator(".mg-slider .noUi-handle").first.focus()
    visit.page.keyboard.press("ArrowRight")
    visit.page.wait_for_function(
        "old => document.querySelector(\"[data-metric='load']\").dataset.value !== old",
        arg=repr(base.load),
    )
    more = gas.simulate(day, Scenario(load_scale=1.05)).metrics.energy_kwh
    assert metric(visit, "load") == pytest.approx(more.load, rel=1e-12)
    assert metric(visit, "grid_export") == pytest.approx(more.grid_export, rel=1e-12)
    visit.page.get_by_role("button", name="Îlotage 17–20 h").click()
    visit.page.wait_for_selector(".mg-key:has-text('îlotage 17:00')")
    assert visit.page.evaluate("() => document.documentElement.lang") == "fr"
