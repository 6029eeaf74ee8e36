"""Figures in the sentences of notes, and which of several warnings speaks first."""

from __future__ import annotations

import math

import pytest

from microgrid_lib.kpi.notes import (
    combined,
    critical_exceeds_load,
    decimals_seen,
    derived_grid,
    efficiency_uncertain,
    interval_words,
    low_coverage,
    no_intervals,
    no_role,
    percent,
    soc_band,
    soc_gaps,
    soc_not_anchored,
)
from microgrid_lib.present.texts import texts_for
from microgrid_lib.site import load_site


@pytest.mark.parametrize(
    ("share", "written"),
    [
        (0.9499, "94.9 %"),
        (0.95, "95 %"),
        (0.95001, "95 %"),
        (0.951, "95.1 %"),
        # Times a thousand this is 1004.9999999999999.
        (1.005, "100.5 %"),
        (0.0, "0 %"),
        (1.0, "100 %"),
    ],
)
def test_shares_are_cut_to_a_tenth_of_a_percent(share: float, written: str) -> None:
    assert percent(share) == written


def test_full_charges_are_cut_to_a_tenth() -> None:
    assert efficiency_uncertain(5, 1.99, 0.1).text == (
        "needs 5 full charges in the period (had 1.9)"
    )


@pytest.mark.parametrize(
    ("value", "written"),
    [
        *((12.345, "12.3"), (0.06, "0.1"), (0.0, "0.0"), (-0.5, "-0.5")),
        *((0.04, "0.0400"), (0.0123, "0.0123"), (-0.00456, "-0.00456"), (1e-7, "0.000000100")),
    ],
)
def test_what_is_not_zero_is_not_written_as_zero(value: float, written: str) -> None:
    assert f"{value:.{decimals_seen(value, 1)}f}" == written


def test_what_is_no_number_has_the_decimals_it_was_given() -> None:
    assert decimals_seen(math.nan, 1) == decimals_seen(math.inf, 1) == 1


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        *((10, "10-second"), (90, "90-second"), (60, "1-minute"), (900, "15-minute")),
        *((3600, "1-hour"), (5400, "90-minute"), (7200, "2-hour")),
    ],
)
def test_an_interval_is_written_in_its_largest_whole_unit(seconds: int, written: str) -> None:
    assert interval_words(seconds) == written


def test_the_band_and_its_limit_are_in_percent() -> None:
    assert soc_band(0.55, 0.95, 0.85).text == (
        "the state of charge is only known to lie between 55 % and 95 %: 85 % is within"
    )


def test_only_an_island_that_never_was_is_called_one() -> None:
    assert no_intervals("island").text == "the site wasn't islanded"
    assert (
        no_intervals("grid").text == no_intervals("any").text == ("no valid interval in the window")
    )


def test_a_rule_for_the_grid_says_that_the_site_was_an_island() -> None:
    said = no_intervals("grid", islanded=True)
    assert said.text == (
        "the rule is for operation on the grid, and there was none with valid values: "
        "the site was islanded"
    )
    assert texts_for("en").note(said) == said.text
    assert "le site était îloté" in texts_for("fr").note(said)
    assert no_intervals("any", islanded=True).text == "no valid interval in the window"


def test_a_role_that_another_profile_has_is_missing_in_the_profile_not_at_the_site() -> None:
    said = no_role(load_site("mesa_del_sol").profile("as_published"), "genset")
    assert said.text == "the profile as_published has no generator; gas_engine has"
    assert texts_for("en").note(said) == "this profile has no gas engine, unlike gas_engine"
    french = texts_for("fr").note(said)
    assert french == "ce profil n’a pas de moteur à gaz, contrairement à gas_engine"
    nowhere = no_role(load_site("trade_street").profile(), "genset")
    assert nowhere.text == "this site has no generator"


def test_the_most_important_warning_gives_the_code_and_all_say_their_sentence() -> None:
    coverage, gaps, grid = low_coverage(0.75), soc_gaps(2.5), derived_grid()
    found = combined([grid, gaps, coverage])
    assert found is not None
    assert (found.code, found.params["also"]) == ("low_coverage", "soc_gaps,derived_grid")
    assert (found.params["coverage"], found.params["hours"]) == (0.75, 2.5)
    assert found.text == f"{coverage.text}; {gaps.text}; {grid.text}"
    two = combined([critical_exceeds_load(3, 9, 1.5), soc_not_anchored()])
    assert two is not None
    assert (two.code, two.params["also"]) == ("soc_not_anchored", "critical_exceeds_load")


def test_one_warning_stays_as_it_is_and_none_is_none() -> None:
    assert combined([soc_gaps(2.5)]) == soc_gaps(2.5)
    assert combined([]) is None
