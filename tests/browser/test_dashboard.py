"""The page in a real browser: right numbers, by keyboard, in both themes and languages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from microgrid_lib.api import SiteData
from microgrid_lib.window import Window

playwright = pytest.importorskip("playwright.sync_api", reason="playwright isn't installed")

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


def expected(data: SiteData, window: Window) -> dict[str, str]:
    kpis = data.kpis(window, sections=["production"]).kpis
    return {name: "" if k.value is None else repr(k.value) for name, k in kpis.items()}


def newest_day(data: SiteData) -> Window:
    return data.window()


def tab_to(visit: Any, selector: str) -> None:
    """Press Tab until the element has the focus, which must be visible."""
    for _ in range(60):
        visit.page.keyboard.press("Tab")
        if visit.page.evaluate("s => document.activeElement.matches(s)", selector):
            break
    else:
        pytest.fail(f"Tab never reaches {selector}")
    width = visit.page.evaluate("() => getComputedStyle(document.activeElement).outlineWidth")
    assert float(width.removesuffix("px")) >= 2


def wait_for(visit: Any, attribute: str, value: str) -> None:
    selector = f"[data-section='production'][data-{attribute}='{value}']"
    visit.page.wait_for_selector(selector, timeout=30_000)


def test_cards_show_what_the_library_computes(shared: Any, demo_site: SiteData) -> None:
    found = {
        card.get_attribute("data-kpi"): card.get_attribute("data-value")
        for card in shared.page.query_selector_all("[data-kpi]:visible")
    }
    want = expected(demo_site, newest_day(demo_site))
    assert len(found) >= 11
    assert found == {name: want[name] for name in found}


def test_the_pickers_work_by_keyboard_alone(shared: Any, demo_site: SiteData) -> None:
    tab_to(shared, ".mg-profile select")
    shared.page.keyboard.press("ArrowDown")
    wait_for(shared, "profile", "gas_engine")
    tab_to(shared, ".mg-periods button:nth-child(3)")
    shared.page.keyboard.press("Enter")
    end = newest_day(demo_site).end
    week = Window(end - timedelta(days=7), end)
    wait_for(shared, "start", week.start.isoformat())
    gas = SiteData(demo_site.site, demo_site.site.profile("gas_engine"), demo_site.settings)
    assert shared.value("genset_energy") == expected(gas, week)["genset_energy"]
    assert shared.page.url.endswith(
        "?site=mesa_del_sol&profile=gas_engine&period=7d&section=production&lang=en"
    )


def test_a_shared_address_opens_the_same_view(
    visit: Any, address: str, demo_site: SiteData
) -> None:
    visit.open(f"{address}?period=custom&start=2022-06-10&end=2022-06-12&lang=fr")
    window = demo_site.window("2022-06-10", "2022-06-12")
    assert visit.value("pv_energy") == expected(demo_site, window)["pv_energy"]
    assert "Part renouvelable" in visit.page.inner_text("[data-kpi='renewable_share']:visible")
    assert visit.page.evaluate("() => document.documentElement.lang") == "fr"


def test_going_back_goes_back(shared: Any) -> None:
    shared.page.get_by_role("button", name="7 d").click()
    shared.page.wait_for_url("**period=7d**")
    shared.page.go_back()
    shared.page.wait_for_url("**period=24h**")
    shared.page.wait_for_selector(".mg-periods button:nth-child(2)[aria-pressed='true']")


def background(visit: Any) -> str:
    return str(visit.page.evaluate("() => getComputedStyle(document.body).backgroundColor"))


@pytest.mark.parametrize("visit", [{"color_scheme": "dark"}], indirect=True)
def test_a_dark_system_gets_a_dark_page_and_the_switch_wins(visit: Any, address: str) -> None:
    visit.open(address)
    assert background(visit) == "rgb(17, 22, 28)"
    visit.page.locator(".mg-theme").first.click()
    visit.page.wait_for_function(
        "() => getComputedStyle(document.body).backgroundColor === 'rgb(245, 246, 248)'"
    )
    visit.open(address)
    visit.page.wait_for_selector(".mg-theme-light", state="attached")
    assert background(visit) == "rgb(245, 246, 248)"


def test_the_note_on_ge_shows_its_evidence_and_switches(shared: Any) -> None:
    assert "How GE is read." in shared.page.inner_text("[data-banner]")
    shared.page.get_by_text("Show the evidence").click()
    assert shared.page.locator(".mg-banner tbody tr").count() == 4
    shared.page.locator(".mg-banner button").click()
    wait_for(shared, "profile", "gas_engine")
    assert not shared.page.locator("[data-banner]").is_visible()


def wheel_until_changed(visit: Any, text: Any, before: str) -> None:
    """Turn the wheel, one notch at a time, until the chart has drawn what it zoomed to."""
    for _ in range(30):
        visit.page.mouse.wheel(0, -300)
        try:
            visit.page.wait_for_function(
                "([e, before]) => e.innerText !== before",
                arg=[text.element_handle(), before],
                timeout=2_000,
            )
        except playwright.TimeoutError:
            continue
        return
    pytest.fail(f"30 notches of the wheel leave {before!r}")


def test_the_pointer_zoom_and_table_work(shared: Any) -> None:
    chart = shared.page.locator(".mg-chart:visible").nth(1)
    area = chart.locator(".bqplot .plotarea_events")
    area.scroll_into_view_if_needed()
    area.hover(position={"x": 100, "y": 60}, force=True)
    area.hover(position={"x": 140, "y": 60}, force=True)
    chart.locator(".mg-legend b").wait_for()
    assert "kW" in chart.locator(".mg-legend b").inner_text()
    before = chart.locator(".mg-sub").inner_text()
    chart.get_by_role("button", name="Zoom").click()
    chart.locator(".mg-chart-actions [aria-pressed='true']").wait_for()
    # bqplot swaps the pointer for the zoom once the kernel has answered.
    chart.locator(".bqplot [style*='cursor: move']").wait_for(state="attached")
    area.hover(position={"x": 140, "y": 60}, force=True)
    wheel_until_changed(shared, chart.locator(".mg-sub"), before)
    chart.get_by_role("button", name="Table").click()
    chart.locator("tbody tr").first.wait_for()


def test_a_site_without_data_says_what_to_do(shared: Any) -> None:
    shared.page.select_option(".mg-picker select", label="Nothing yet")
    shared.page.wait_for_selector("[data-notice='empty']:visible")
    assert "microgrid demo" in shared.page.inner_text("[data-notice='empty']:visible")


@pytest.mark.parametrize("visit", [{"viewport": {"width": 390, "height": 800}}], indirect=True)
def test_a_phone_needs_no_sideways_scrolling(visit: Any, address: str) -> None:
    visit.open(address)
    wide = visit.page.evaluate("() => document.documentElement.scrollWidth")
    assert wide <= 390


def test_the_production_notebook_is_a_page_of_its_own(visit: Any, address: str) -> None:
    visit.open(f"{address}voila/render/production.ipynb?period=7d")
    assert visit.value("renewable_share")
    assert "/voila/render/production.ipynb?" in visit.page.url


def test_a_section_seen_before_comes_back_with_the_view_of_the_moment(
    visit: Any, address: str, demo_site: SiteData
) -> None:
    visit.open(f"{address}?period=24h&lang=en", "storage")
    page = visit.page
    page.locator(".mg-tabs").get_by_role("button", name="Overview").click()
    page.wait_for_selector("[data-section='overview']")
    assert page.locator("[data-section]").count() == 1
    page.get_by_role("button", name="7 d").click()
    end = demo_site.window().end
    week = Window(end - timedelta(days=7), end)
    page.wait_for_selector(f"[data-section='overview'][data-start='{week.start.isoformat()}']")
    page.set_viewport_size({"width": 1100, "height": 900})
    page.locator(".mg-tabs").get_by_role("button", name="Storage").click()
    page.wait_for_selector(f"[data-section='storage'][data-start='{week.start.isoformat()}']")
    shown = page.locator("[data-kpi='battery_discharge_energy']:visible")
    want = demo_site.kpis(week).kpis["battery_discharge_energy"].value
    assert shown.get_attribute("data-value") == repr(want)
    page.wait_for_function(
        """() => [...document.querySelectorAll('.mg-chart')]
            .filter(chart => chart.checkVisibility() && chart.querySelector('.bqplot'))
            .every(chart => chart.querySelector('.bqplot').getBoundingClientRect().width
                <= chart.getBoundingClientRect().width)"""
    )
    visit.check()
