"""Overview and Distribution in a real browser: numbers of the library, links, keyboard, French."""

from __future__ import annotations

import re
from typing import Any

import pytest

from microgrid_lib.api import SiteData

playwright = pytest.importorskip("playwright.sync_api", reason="playwright isn't installed")

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


def test_the_overview_has_the_numbers_and_leads_on(
    visit: Any, address: str, demo_site: SiteData
) -> None:
    visit.open(address, "overview")
    kpis = demo_site.kpis(demo_site.window()).kpis
    for name in ("renewable_share", "self_sufficiency"):
        value = kpis[name].value
        assert visit.value(name) == ("" if value is None else repr(value))
    newest = demo_site.newest().samples["fuel_cell"]
    assert newest is not None
    node = visit.page.locator(".mg-flow-wide [data-node='fuel_cell']")
    assert node.get_attribute("data-value") == repr(newest.value)
    assert "As of" in visit.page.inner_text(".mg-now .mg-chart-head")
    visit.page.get_by_role("button", name="Distribution ›").click()
    visit.page.wait_for_selector("[data-section='distribution']", timeout=60_000)
    assert "section=distribution" in visit.page.url


def test_distribution_in_french_by_keyboard(visit: Any, address: str, demo_site: SiteData) -> None:
    visit.open(f"{address}?period=7d&lang=fr", "distribution")
    end = demo_site.as_of()
    assert end is not None
    assert "Autosuffisance" in visit.page.inner_text("[data-kpi='self_sufficiency']:visible")
    share = visit.value("critical_share")
    slices = visit.page.locator(".mg-donut li")
    energies = [float(str(s.get_attribute("data-value"))) for s in slices.all()]
    assert energies[0] / sum(energies) == pytest.approx(float(share))
    cell = visit.page.locator(".mg-heat td[tabindex='0']")
    cell.focus()
    visit.page.keyboard.press("ArrowRight")
    visit.page.keyboard.press("ArrowDown")
    said = visit.page.evaluate("() => document.activeElement.getAttribute('aria-label')")
    assert re.match(r"mardi 01:00\s: .*kW", said)
    assert visit.page.locator(".mg-heat td[tabindex='0']").count() == 1
