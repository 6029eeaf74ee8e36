"""The state: checked choices, and addresses that lead back to the same view."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from traitlets import TraitError

from microgrid_lib.dashboard.state import DashboardState
from microgrid_lib.errors import MicrogridError
from microgrid_lib.present.periods import PERIODS
from tests.dashboard.fakes import FakeLibrary

SECTIONS = {"production": ("",), "storage": ("battery", "alerts")}


def new_state() -> DashboardState:
    return DashboardState(FakeLibrary(), SECTIONS, "mesa_del_sol")


def test_begins_with_the_sites_default_profile_and_the_first_section() -> None:
    state = new_state()
    assert (state.site, state.profile, state.period) == ("mesa_del_sol", "as_published", "24h")
    assert (state.section, state.language, state.theme) == ("production", "en", "auto")


def test_a_new_site_brings_its_own_default_profile() -> None:
    state = new_state()
    state.change(site="trade_street")
    assert state.profile == "default"


def test_a_new_site_ends_a_custom_period() -> None:
    state = new_state()
    state.change(period="custom", start="2022-07-01", end="2022-07-02")
    state.change(site="trade_street")
    assert (state.period, state.start, state.end) == ("24h", "", "")


@pytest.mark.parametrize(
    "values",
    [
        {"site": "atlantis"},
        {"profile": "default"},
        {"period": "eon"},
        {"language": "de"},
        {"theme": "<script>"},
        {"section": "consumers"},
        {"period": "custom"},
        {"period": "custom", "start": "2022-07-02", "end": "2022-07-01"},
        {"period": "custom", "start": "never", "end": "2022-07-01"},
    ],
)
def test_a_choice_that_does_not_exist_changes_nothing(values: dict[str, str]) -> None:
    state = new_state()
    before = state.query()
    with pytest.raises(MicrogridError):
        state.change(**({"language": "fr"} | values))
    assert state.query() == before


@pytest.mark.parametrize("name", ["site", "profile", "period", "language", "theme", "section"])
def test_a_single_trait_set_by_a_viewer_is_checked_too(name: str) -> None:
    state = new_state()
    with pytest.raises(TraitError):
        setattr(state, name, "nonsense")


def test_several_changes_redraw_once() -> None:
    state = new_state()
    seen = []
    state.observe(lambda change: seen.append(change["new"]), names=["view"])
    state.change(site="trade_street", period="7d")
    assert [(view.site, view.profile, view.period) for view in seen] == [
        ("trade_street", "default", "7d")
    ]


def test_an_address_names_the_view_and_not_the_theme() -> None:
    state = new_state()
    state.change(period="custom", start="2022-07-01", end="2022-07-03", theme="dark")
    assert state.query() == (
        "site=mesa_del_sol&profile=as_published&period=custom&start=2022-07-01&end=2022-07-03"
        "&section=production&lang=en"
    )


@settings(deadline=None)
@given(
    site=st.sampled_from([("mesa_del_sol", "gas_engine"), ("trade_street", "default")]),
    period=st.sampled_from(PERIODS),
    section=st.sampled_from(list(SECTIONS)),
    language=st.sampled_from(["en", "fr"]),
)
def test_an_address_leads_back_to_its_view(
    site: tuple[str, str], period: str, section: str, language: str
) -> None:
    state = new_state()
    custom = {"start": "2022-07-01T06:30:00", "end": "2022-07-03"} if period == "custom" else {}
    state.change(
        site=site[0], profile=site[1], section=section, language=language, period=period, **custom
    )
    other = new_state()
    other.apply_query("?" + state.query())
    assert other.query() == state.query()
    assert other.view == state.view


def test_start_and_end_alone_mean_a_custom_period() -> None:
    state = new_state()
    state.apply_query("start=2022-07-01&end=2022-07-02&utm_source=mail")
    assert state.period == "custom"


@settings(deadline=None)
@given(st.text(max_size=200))
def test_no_address_breaks_the_state(query: str) -> None:
    state = new_state()
    with contextlib.suppress(MicrogridError):
        state.apply_query(query)
    other = new_state()
    other.apply_query(state.query())
    assert other.query() == state.query()


def test_a_new_section_begins_with_its_first_tab() -> None:
    state = new_state()
    state.change(section="storage", tab="alerts")
    assert "tab=alerts" in state.query()
    state.change(section="production")
    assert state.tab == ""
    with pytest.raises(MicrogridError, match="unknown tab 'alerts'"):
        state.change(tab="alerts")


def test_how_often_a_page_looks_is_in_its_address_where_it_is_not_the_usual() -> None:
    state = new_state()
    assert "refresh" not in state.query()
    state.change(refresh="off")
    assert "refresh=off" in state.query()
    with pytest.raises(MicrogridError, match="unknown refresh '1s'"):
        state.change(refresh="1s")
