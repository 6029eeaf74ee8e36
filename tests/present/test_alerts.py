"""Alerts in words: what the library found, in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from microgrid_lib.access import Actor, Role
from microgrid_lib.kpi.alert_kinds import kinds_of
from microgrid_lib.kpi.alert_rules import SEVERITIES
from microgrid_lib.present.alert_texts import STATES, lasting_text, state_text, value_text
from microgrid_lib.present.alerts import (
    AlertRow,
    _around,
    alert_rows,
    chosen_rows,
    short_alerts,
    state_rows,
    summary_text,
)
from microgrid_lib.present.texts import LANGUAGES, catalog_paths, texts_for
from microgrid_lib.window import Window
from tests.dashboard.fakes import END, FakeLibrary, FakeSiteData, load_site

WEEK = Window(END - timedelta(days=7), END)
DAY = Window(END - timedelta(days=1), END)


@pytest.fixture
def data(home: Path) -> FakeSiteData:
    return FakeLibrary().open_site("mesa_del_sol", "as_published")


@pytest.fixture
def rows(data: FakeSiteData) -> Mapping[str, AlertRow]:
    return {row.name: row for row in alert_rows(data, WEEK, texts_for("en"))}


def test_the_latest_alert_stands_first(data: FakeSiteData) -> None:
    found = alert_rows(data, WEEK, texts_for("en"))
    assert [row.name for row in found] == ["battery_low", "fuel_cell_failed", "bus_voltage"]
    assert [row.id for row in found] == [a.id for a in reversed(data.alerts(WEEK).alerts)]
    assert [row.name for row in alert_rows(data, DAY, texts_for("en"))] == [
        "battery_low",
        "fuel_cell_failed",
    ]


def test_an_alert_says_how_bad_it_was_and_what_is_allowed(rows: Mapping[str, AlertRow]) -> None:
    assert rows["bus_voltage"].worst == "worst 436 V, allowed: 440 V to 508 V"
    assert (
        rows["fuel_cell_failed"].worst
        == "worst 1.5 kW, allowed: at least 10 % of the fuel-cell set point"
    )
    assert rows["battery_low"].worst == "worst 33 %, allowed: at least 35 %"


def test_an_alert_says_since_when_and_until_when_in_local_time(
    rows: Mapping[str, AlertRow],
) -> None:
    ended, active = rows["fuel_cell_failed"], rows["battery_low"]
    assert (ended.since, ended.until, ended.lasted) == (
        "31 Jul 2022 19:00",
        "31 Jul 2022 19:30",
        "30 min",
    )
    assert (active.since, active.until, active.lasted) == ("31 Jul 2022 22:00", "active", "2 h")


def test_only_what_lasts_is_shown_with_its_severity_as_state(rows: Mapping[str, AlertRow]) -> None:
    assert rows["battery_low"].state.state == "warning"
    assert rows["fuel_cell_failed"].state.state == "ended"
    assert rows["fuel_cell_failed"].severity.state == "critical"


def test_an_alert_is_looked_at_with_room_on_both_sides(rows: Mapping[str, AlertRow]) -> None:
    row = rows["bus_voltage"]
    assert row.around.start == row.start - timedelta(minutes=15)
    assert row.around.end == row.end + timedelta(minutes=16)


def test_room_and_length_are_elapsed_time_across_summer_time() -> None:
    zone = load_site("trade_street").display_zone
    start, end = datetime(2019, 3, 10, 1, tzinfo=zone), datetime(2019, 3, 10, 4, tzinfo=zone)
    around = _around(start, end)
    assert around.duration == timedelta(hours=4, minutes=1)
    assert around.start == datetime(2019, 3, 10, 0, tzinfo=zone)


def test_filters_keep_what_lasts_and_what_nobody_has_seen(
    data: FakeSiteData, rows: Mapping[str, AlertRow]
) -> None:
    data.acknowledge(rows["battery_low"].id, Actor("Ana", Role.operator), "charging tonight")
    found = alert_rows(data, WEEK, texts_for("en"))
    assert [r.name for r in chosen_rows(found, "all")] == [r.name for r in found]
    assert [r.name for r in chosen_rows(found, "active")] == ["battery_low"]
    assert [r.name for r in chosen_rows(found, "open")] == ["fuel_cell_failed", "bus_voltage"]
    assert found[0].seen.startswith("Ana, ")
    assert found[0].note == "charging tonight"


def test_the_short_list_has_what_lasts_first_and_counts_all(data: FakeSiteData) -> None:
    oldest, *others = data.happened
    data.happened = [oldest.model_copy(update={"active": True, "end": None}), *others]
    short = short_alerts(data, WEEK, texts_for("en"), most=2)
    assert [row.name for row in short.rows] == ["battery_low", "bus_voltage"]
    assert short.summary == "2 active · 3 in this period"
    assert summary_text((), texts_for("en")) == "no alerts in this period"


def test_states_name_every_kind_and_why_a_site_cannot_have_it(home: Path) -> None:
    data = FakeLibrary().open_site("trade_street", "default")
    found = {row.name: row for row in state_rows(data, texts_for("en"))}
    assert len(found) == 8
    assert found["battery_low"].state.word == "n/a"
    assert found["battery_low"].detail == "the capacity of the battery isn't known"
    assert found["fuel_cell_failed"].detail == "this site has no fuel cell"
    assert found["data_stale"].state.word == "ok"


def test_a_state_that_is_not_well_says_since_when_and_how_bad(data: FakeSiteData) -> None:
    found = {row.name: row for row in state_rows(data, texts_for("fr"))}
    low = found["battery_low"]
    assert low.state.word == "avertissement"
    assert low.detail == (
        "depuis le 31 juil. 2022 22:00\u00a0; au pire 33 %, admis\u00a0: au moins 35 %"
    )
    assert found["bus_voltage"].limits.startswith("de 456 V à 504 V (avertissement)")


def test_every_state_has_a_mark_of_its_own_but_well_and_ended() -> None:
    shown = {state: state_text(state, texts_for("en")) for state in STATES}
    assert shown["ok"].mark == shown["ended"].mark
    assert len({s.mark for s in shown.values()}) == len(STATES) - 1
    assert len({s.word for s in shown.values()}) == len(STATES)
    assert set(SEVERITIES) <= set(STATES)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (59.6, "1 min"),
        (770, "12 min 50 s"),
        (3600, "1 h"),
        (3610, "1 h"),
        (7490, "2 h 4 min"),
        (3248100, "37 d 14 h"),
    ],
)
def test_a_length_of_time_has_its_two_largest_units(seconds: float, text: str) -> None:
    assert lasting_text(timedelta(seconds=seconds), texts_for("en")) == text


def test_values_are_rounded_as_their_unit_is_read() -> None:
    english, french = texts_for("en"), texts_for("fr")
    assert value_text(59.2, "Hz", english) == "59.20 Hz"
    assert value_text(10.0, "kW", english) == "10 kW"
    assert value_text(0.3295, "1", french) == "33,0 %"
    assert value_text(-0.04, "kW", english) == "0.0 kW"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_and_state_has_its_words(language: str) -> None:
    known: set[str] = set()
    for path in catalog_paths(language):
        with path.open("rb") as source:
            known |= {str(message.id) for message in read_po(source)}
    kinds = [k.name for k in kinds_of(load_site("mesa_del_sol").profile("as_published"))]
    wanted = {f"alert.{family}.{name}" for family in ("kind", "watch") for name in kinds}
    wanted |= {f"alert.state.{state}" for state in STATES}
    assert wanted - known == set()
