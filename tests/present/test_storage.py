"""The Storage section as values: what the library says, in the shape it is drawn."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from microgrid_lib.present.alert_history import prepare_history, to_acknowledge
from microgrid_lib.present.bars import Flow, energy_bars, energy_step
from microgrid_lib.present.charts import Chart
from microgrid_lib.present.storage import StorageContent, prepare_storage, zoom_soc
from microgrid_lib.present.texts import texts_for
from microgrid_lib.window import Window
from tests.dashboard.fakes import END, FakeLibrary, FakeSiteData, load_site

ZONE = load_site("mesa_del_sol").display_zone
DAY = Window((END - timedelta(days=1)).astimezone(ZONE), END.astimezone(ZONE))


@pytest.fixture
def data(home: Path) -> FakeSiteData:
    return FakeLibrary().open_site("mesa_del_sol", "as_published")


@pytest.fixture
def content(data: FakeSiteData) -> StorageContent:
    return prepare_storage(data, DAY, texts_for("en"))


def charts(content: StorageContent) -> dict[str, Chart]:
    return {chart.name: chart for chart in content.charts}


def test_cards_are_the_kpis_with_what_is_not_known_of_them(
    data: FakeSiteData, content: StorageContent
) -> None:
    kpis = data.kpis(DAY).kpis
    cards = {card.kpi: card for card in content.cards}
    assert {name: card.value for name, card in cards.items()} == {
        name: kpis[name].value for name in cards
    }
    assert len(cards) == 8
    assert (cards["soc"].value_text, cards["soc"].unit_text) == ("50.0", "± 20.0 %")
    assert cards["battery_autonomy_h"].unit_text == "± 0.40 h"
    assert cards["battery_autonomy_critical_h"].value_text == "2.50"
    assert cards["battery_round_trip_efficiency"].reason.startswith("needs 3 full charges")
    assert [name for name, card in cards.items() if card.lead] == [
        "soc",
        "battery_autonomy_h",
        "battery_round_trip_efficiency",
        "fuel_cell_contribution",
    ]
    assert all(card.spark for card in cards.values() if card.lead)


def test_cycles_are_cycles_and_no_share(content: StorageContent) -> None:
    cycles = next(card for card in content.cards if card.kpi == "equivalent_cycles")
    assert (cycles.value_text, cycles.unit_text) == ("20.1", "cycles")


def test_the_state_of_charge_is_drawn_in_its_band_over_what_is_usable(
    data: FakeSiteData, content: StorageContent
) -> None:
    chart, frame = charts(content)["soc"], data.soc(DAY).frame
    (line,), (ribbon,), (band,) = chart.lines, chart.ribbons, chart.bands
    np.testing.assert_allclose(line.y, 100 * frame["soc"])
    np.testing.assert_allclose(ribbon.low, 100 * frame["low"])
    np.testing.assert_allclose(ribbon.high, 100 * frame["high"])
    assert (band.low, band.high, band.label) == (30.0, 95.0, "usable, 30 to 95 %")
    assert chart.y_range == (0.0, 100.0)


def test_gaps_and_anchors_of_the_state_of_charge_are_marked_and_said(
    content: StorageContent,
) -> None:
    chart = charts(content)["soc"]
    assert chart.gaps == ((7 * 900.0, 11 * 900.0),)
    (span,) = chart.spans
    assert (span.start + span.end) / 2 == 12 * 3600.0
    assert "counted since it was last known, on 31 Jul 2022 12:00" in chart.subtitle


def test_an_assumed_start_is_called_one(data: FakeSiteData) -> None:
    morning = Window(DAY.start, DAY.start + timedelta(hours=6))
    chart = charts(prepare_storage(data, morning, texts_for("fr")))["soc"]
    assert "compté à partir de 50\u00a0% supposés" in chart.subtitle
    assert chart.spans == ()


def test_a_stretch_keeps_the_origin_of_the_whole_chart(data: FakeSiteData) -> None:
    stretch = Window(DAY.start + timedelta(hours=6), DAY.start + timedelta(hours=7))
    chart = zoom_soc(data, stretch, texts_for("en"), DAY.start_utc)
    assert chart.x_range == (6 * 3600.0, 7 * 3600.0)
    assert chart.lines[0].x[0] == 6 * 3600.0


def test_a_site_without_capacity_says_so_and_has_no_chart_of_it(home: Path) -> None:
    data = FakeLibrary().open_site("trade_street", "default")
    content = prepare_storage(data, DAY, texts_for("en"))
    assert [chart.name for chart in content.charts] == ["battery"]
    assert "no chart of the state of charge: the capacity of the battery isn't known" in (
        content.missing
    )
    assert "Fuel-cell contribution" in content.missing
    assert content.energy is not None
    assert [flow.name for flow in content.energy.flows] == ["battery_discharge", "battery_charge"]


def test_bars_are_the_energies_of_the_library(data: FakeSiteData, content: StorageContent) -> None:
    bars = content.energy
    assert bars is not None
    frame = data.energies(["fuel_cell", "battery_discharge", "battery_charge"], DAY, "hour")
    for flow, values in zip(bars.flows, bars.values, strict=True):
        assert list(values) == frame[flow.name].tolist()
    assert [flow.taken for flow in bars.flows] == [False, False, True]
    assert bars.y_range == (-40.0, 60.0)
    assert bars.partial.index(True) == 1
    assert bars.rows[1][0] == "31 Jul 2022 01:00, incomplete"
    assert bars.rows[2] == ("31 Jul 2022 02:00", "3.0", "3.0", "3.0")
    assert [tick.label for tick in bars.x_ticks] == [
        *("00:00", "03:00", "06:00", "09:00", "12:00", "15:00", "18:00", "21:00"),
    ]
    assert bars.summary.startswith("fuel cell: 300 kWh in all")


@pytest.mark.parametrize(("days", "step"), [(0.05, "hour"), (2, "hour"), (7, "day"), (90, "month")])
def test_pieces_fit_the_window(days: float, step: str) -> None:
    assert energy_step(Window(END - timedelta(days=days), END)) == step


def test_a_piece_cut_by_the_window_is_not_labelled_with_a_whole_hour(data: FakeSiteData) -> None:
    cut = Window(DAY.start + timedelta(minutes=30), DAY.start + timedelta(hours=3, minutes=30))
    frame = data.energies(["fuel_cell"], cut, "hour")
    frame["start"] = [cut.start, *(DAY.start + timedelta(hours=n) for n in (1, 2))]
    flow = Flow("fuel_cell", "fuel cell", "fuel-cell")
    bars = energy_bars("e", "Energy", frame, [flow], "hour", texts_for("en"))
    assert bars.partial == (True, True, True)
    assert [(tick.value, tick.label) for tick in bars.x_ticks] == [(1.0, "01:00"), (2.0, "02:00")]


def test_bars_without_any_value_have_no_scale(data: FakeSiteData) -> None:
    frame = data.energies(["fuel_cell"], DAY, "hour")
    frame["fuel_cell"] = np.nan
    flow = Flow("fuel_cell", "fuel cell", "fuel-cell")
    bars = energy_bars("e", "Energy", frame, [flow], "hour", texts_for("en"))
    assert bars.y_ticks == ()
    assert bars.summary == "No data in this period."
    assert bars.rows[0][1] == "n/a"


def test_the_timeline_shows_when_alerts_lasted(data: FakeSiteData) -> None:
    history = prepare_history(data, DAY, texts_for("en"))
    lanes = {lane.title: lane.bars for lane in history.timeline.lanes}
    assert list(lanes) == ["Fuel cell failed", "Battery low"]
    failed, low = lanes["Fuel cell failed"][0], lanes["Battery low"][0]
    assert (failed.start, failed.end) == pytest.approx((19 / 24, 19.5 / 24))
    assert (low.start, low.end) == pytest.approx((22 / 24, 1.0))
    assert failed.severity.word == "critical"
    assert history.at == "as of 1 Aug 2022 00:00"


def test_an_alert_outside_the_window_stays_offered_while_a_note_is_written(
    data: FakeSiteData,
) -> None:
    week = Window(END - timedelta(days=7), END)
    oldest = prepare_history(data, week, texts_for("en")).rows[-1]
    rows = prepare_history(data, DAY, texts_for("en")).rows
    assert oldest.id not in [row.id for row in to_acknowledge(rows)]
    assert to_acknowledge(rows, oldest)[0] is oldest
    assert to_acknowledge(rows, rows[0]) == rows
