"""Ticks: few, round, in local time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgrid_lib.present.texts import texts_for
from microgrid_lib.present.ticks import round_range, time_ticks
from microgrid_lib.window import Window, parse_window

EN = texts_for("en")
LA = ZoneInfo("America/Los_Angeles")


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 48, (0, 20, 40, 60)),
        (-24, 24, (-40, -20, 0, 20, 40)),
        (34.2, 41.8, (34, 36, 38, 40, 42)),
        (0, 0.0031, (0, 0.001, 0.002, 0.003, 0.004)),
        (7, 7, (6, 6.5, 7, 7.5, 8)),
    ],
)
def test_values_get_multiples_of_one_two_or_five(
    low: float, high: float, expected: tuple[float, ...]
) -> None:
    bottom, top, ticks = round_range(low, high)
    assert ticks == expected
    assert (bottom, top) == (expected[0], expected[-1])


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_the_range_holds_the_values_and_few_ticks(low: float, width: float) -> None:
    bottom, top, ticks = round_range(low, low + width)
    assert bottom <= low + 1e-6 * width
    assert top >= low + width - 1e-6 * width
    assert 2 <= len(ticks) <= 7


def labels(start: str, end: str, zone: ZoneInfo = LA) -> list[str]:
    return [tick.label for tick in time_ticks(parse_window(start, end, zone), EN)]


def test_a_day_ends_at_24_00() -> None:
    assert labels("2022-07-01", "2022-07-02") == ["00:00", "06:00", "12:00", "18:00", "24:00"]


def test_a_rolling_day_shows_its_midnight_as_a_date() -> None:
    assert labels("2022-07-01T15:00", "2022-07-02T15:00") == [
        "18:00", "2 Jul", "06:00", "12:00",
    ]  # fmt: skip


def test_a_week_has_a_tick_every_other_day() -> None:
    assert labels("2022-07-25", "2022-08-01") == ["25 Jul", "27 Jul", "29 Jul", "31 Jul"]


def test_fifteen_months_have_months() -> None:
    assert labels("2022-05-01", "2023-08-01") == [
        "Jul 2022", "Oct 2022", "Jan 2023", "Apr 2023", "Jul 2023",
    ]  # fmt: skip


def test_ticks_are_local_across_the_change_of_summer_time() -> None:
    window = parse_window("2022-03-13", "2022-03-14", LA)
    ticks = time_ticks(window, EN)
    assert [(tick.label, tick.value / 3600) for tick in ticks] == [
        ("00:00", 0), ("06:00", 5), ("12:00", 11), ("18:00", 17), ("24:00", 23),
    ]  # fmt: skip


def test_ticks_count_from_the_origin() -> None:
    window = parse_window("2022-07-01T10:00", "2022-07-01T11:00", LA)
    origin = window.start_utc - timedelta(hours=10)
    assert [tick.value for tick in time_ticks(window, EN, origin=origin)][:2] == [36000, 36600]


@given(st.integers(0, 700), st.integers(120, 800 * 86400))
def test_there_are_never_many(day: int, seconds: int) -> None:
    start = datetime(2022, 1, 1, tzinfo=UTC) + timedelta(days=day)
    window = Window(start, start + timedelta(seconds=seconds))
    ticks = time_ticks(window, EN)
    assert len(ticks) <= 8
    assert all(0 <= tick.value <= seconds for tick in ticks)
    assert [tick.value for tick in ticks] == sorted({tick.value for tick in ticks})
