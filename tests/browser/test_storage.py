"""The Storage section in a real browser: right numbers, alerts that lead to their time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from microgrid_lib.api import SiteData
from microgrid_lib.window import Window

pytest.importorskip("playwright.sync_api", reason="playwright isn't installed")

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


def expected(data: SiteData, window: Window) -> dict[str, str]:
    kpis = data.kpis(window, sections=["storage", "production"]).kpis
    return {name: "" if k.value is None else repr(k.value) for name, k in kpis.items()}


def test_storage_shows_the_library_s_numbers_and_an_alert_leads_to_its_time(
    shared: Any, demo_site: SiteData
) -> None:
    page = shared.page
    page.get_by_role("button", name="Storage", exact=True).click()
    page.wait_for_selector("[data-section='storage']")
    page.get_by_role("button", name="30 d").click()
    end = demo_site.window().end
    month = Window(end - timedelta(days=30), end)
    page.wait_for_selector(f"[data-section='storage'][data-start='{month.start.isoformat()}']")
    found = {
        card.get_attribute("data-kpi"): card.get_attribute("data-value")
        for card in page.query_selector_all("[data-kpi]:visible")
    }
    want = expected(demo_site, month)
    assert len(found) == 8
    assert found == {name: want[name] for name in found}
    assert page.locator(".mg-bars rect").count() > 60
    alerts = demo_site.alerts(month).alerts
    assert page.locator(".mg-alert-table tbody tr").count() == len(alerts) > 3
    shown = [state.state or "unknown" for state in demo_site.alert_states().states]
    for state in set(shown):
        said = page.locator(f"[data-alert-kind][data-state='{state}']")
        assert said.count() == shown.count(state)
    assert len(shown) == 8
    assert shown.count("ok") >= 6
    send = page.get_by_role("button", name="Acknowledge", exact=True)
    assert send.is_disabled()
    seen = next(alert for alert in alerts if alert.acknowledged is None)
    page.locator(f"tr[data-alert='{seen.id}'] button[data-pick^='choose:']").click()
    page.locator(".mg-ack textarea").fill("looked at on site")
    page.locator(".mg-ack textarea").blur()
    page.locator(".mg-ack-send:not([disabled])").click()
    page.locator(f"tr[data-alert='{seen.id}']").filter(has_text="looked at on site").wait_for()
    (after,) = (alert for alert in demo_site.alerts(month).alerts if alert.id == seen.id)
    assert after.acknowledged is not None
    assert after.acknowledged.note == "looked at on site"
    failed = next(alert for alert in alerts if alert.name == "fuel_cell_failed")
    page.locator(f"tr[data-alert='{failed.id}'] button[data-pick^='show:']").click()
    page.wait_for_url("**period=custom**section=storage**")
    shown = page.wait_for_selector(
        f"[data-section='storage'][data-start^='{failed.start.isoformat()[:10]}']"
    )
    assert shown.get_attribute("data-start") < failed.start.isoformat()
    assert shown.get_attribute("data-end") > failed.end.isoformat()  # type: ignore[union-attr]
    page.locator(".mg-language").first.click()
    page.get_by_role("heading", name="Acquitter une alerte").wait_for()
    assert "Pile à combustible défaillante" in page.inner_text(".mg-alert-table")
