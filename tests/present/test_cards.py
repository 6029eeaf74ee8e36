"""Cards: what is written on them, by hand."""

from __future__ import annotations

import math

import pytest

from microgrid_lib.dashboard.cards import card_html
from microgrid_lib.kpi.compare import Change
from microgrid_lib.kpi.model import Kpi, Note
from microgrid_lib.present.cards import ChangeText, make_card, spark_pieces
from microgrid_lib.present.texts import texts_for

EN, FR = texts_for("en"), texts_for("fr")


def test_a_share_is_per_cent_and_keeps_its_full_value() -> None:
    kpi = Kpi(value=0.18203040506, unit="1", coverage=0.996)
    card = make_card("renewable_share", kpi, EN)
    assert (card.value_text, card.unit_text, card.coverage) == ("18.2", "%", "coverage 99.6 %")
    assert 'data-value="0.18203040506" data-unit="1"' in card_html(card, EN)


@pytest.mark.parametrize(
    ("value", "unit", "english", "french"),
    [
        (9374.2, "kWh", "9,374", "9\u202f374"),
        (12.345, "kWh", "12.3", "12,3"),
        (0.0, "kWh", "0", "0"),
        (1.2345, "kW", "1.23", "1,23"),
        (-3.21, "kW", "−3.21", "−3,21"),
        (-0.0004, "kW", "0.00", "0,00"),
        (481.26, "V", "481.3", "481,3"),
        (60.0123, "Hz", "60.01", "60,01"),
    ],
)
def test_numbers_have_three_digits_that_count(
    value: float, unit: str, english: str, french: str
) -> None:
    assert EN.quantity(value, unit) == (english, unit)
    assert FR.quantity(value, unit) == (french, unit)


@pytest.mark.parametrize("name", ["voltage_compliance", "fuel_cell_reliability"])
def test_a_share_of_what_must_be_all_never_looks_like_all(name: str) -> None:
    assert make_card(name, Kpi(value=0.99996, unit="1"), EN).value_text == "99.9"
    assert make_card(name, Kpi(value=1.0, unit="1"), EN).value_text == "100.0"


def test_an_undefined_kpi_says_why_and_has_no_value() -> None:
    reason = Note(code="no_role", params={"role": "fuel_cell"}, text="this site has no fuel cell")
    card = make_card("fuel_cell_energy", Kpi(value=None, unit="kWh", reason=reason), EN)
    assert (card.value_text, card.unit_text, card.coverage) == ("n/a", "", "")
    assert card.reason == "this site has no fuel cell"
    assert 'data-value=""' in card_html(card, EN)


def test_coverage_is_cut_so_that_it_never_looks_complete() -> None:
    card = make_card("pv_energy", Kpi(value=1.0, unit="kWh", coverage=0.99996), EN)
    assert card.coverage == "coverage 99.9 %"
    assert not card.low_coverage
    assert make_card("pv_energy", Kpi(value=1.0, unit="kWh", coverage=0.9499), EN).low_coverage


@pytest.mark.parametrize(
    ("name", "change", "expected"),
    [
        (
            "renewable_share",
            Change(value=0.021, unit="1", relative=0.13),
            ChangeText("▲", "up ", "2.1 pt vs previous 24 h", "good"),
        ),
        (
            "fuel_cell_tracking_rmse",
            Change(value=0.5, unit="kW", relative=0.25),
            ChangeText("▲", "up ", "25 % vs previous 24 h", "bad"),
        ),
        (
            "battery_charge_energy",
            Change(value=-2.5, unit="kW", relative=None),
            ChangeText("▼", "down ", "2.50 kW vs previous 24 h", "neutral"),
        ),
        (
            "pv_energy",
            Change(value=0.01, unit="kW", relative=0.001),
            ChangeText("=", "", "no change vs previous 24 h", "neutral"),
        ),
        ("pv_energy", Change(value=None, unit="kW"), None),
    ],
)
def test_a_change_has_an_arrow_words_and_a_tone(
    name: str, change: Change, expected: ChangeText | None
) -> None:
    kpi = Kpi(value=0.2, unit="1", coverage=1.0)
    card = make_card(name, kpi, EN, change=change, against=EN("against.24h"))
    assert card.change == expected


@pytest.mark.parametrize(
    ("had", "hours", "hint"),
    [(3.0, 24.0, ": try 7 d"), (0.8, 24.0, ": try 30 d"), (0.1, 24.0, ""), (0.0, 24.0, "")],
)
def test_an_uncertain_efficiency_suggests_a_period_that_is_long_enough(
    had: float, hours: float, hint: str
) -> None:
    reason = Note(code="efficiency_uncertain", params={"needed": 10, "had": had}, text="")
    kpi = Kpi(value=None, unit="1", coverage=1.0, reason=reason)
    card = make_card("battery_round_trip_efficiency", kpi, EN, hours=hours)
    assert card.reason == f"needs 10 full charges in the period (had {had:.1f}){hint}"


def test_what_comes_from_a_site_file_is_escaped() -> None:
    reason = Note(code="no_role", params={"role": "load", "why": "<b>&"}, text="<b>&")
    card = make_card("pv_energy", Kpi(value=None, unit="kWh", reason=reason), EN)
    assert "&lt;b&gt;&amp;" in card_html(card, EN)


def test_a_sparkline_breaks_where_data_is_missing() -> None:
    pieces = spark_pieces([0.0, 10.0, math.nan, 5.0, 0.0])
    assert pieces == (((0.0, 0.0), (0.25, 1.0)), ((0.75, 0.5), (1.0, 0.0)))


@pytest.mark.parametrize("values", [[], [math.nan], [1.0], [1.0, math.nan]])
def test_a_sparkline_needs_two_values(values: list[float]) -> None:
    assert spark_pieces(values) == ()


def test_notes_are_translated_with_their_numbers() -> None:
    note = Note(code="low_coverage", params={"coverage": 0.9499}, text="x")
    assert EN.note(note) == "only 94.9 % of the period has valid data"
    assert FR.note(note) == "seulement 94,9 % de la période a des données valides"


def test_several_warnings_in_one_note_are_all_translated() -> None:
    note = Note(
        code="low_coverage", params={"coverage": 0.9, "also": "derived_grid"}, text="english"
    )
    assert FR.note(note).startswith(
        "seulement 90 % de la période a des données valides\u00a0; le réseau"
    )


def test_a_note_without_translation_keeps_its_english_text() -> None:
    assert FR.note(Note(code="brand_new", text="something new")) == "something new"
    assert FR.note(Note(code="low_coverage", text="no parameter")) == "no parameter"
