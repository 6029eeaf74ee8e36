"""Named periods against hand-made windows."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from microgrid_lib.errors import WindowError
from microgrid_lib.present.periods import (
    describe,
    is_month,
    period_window,
    shifted,
    slot_floor,
)
from microgrid_lib.present.texts import texts_for
from microgrid_lib.window import Window, parse_time, parse_window

LA = ZoneInfo("America/Los_Angeles")


def at(text: str) -> datetime:
    return parse_time(text, LA)


@pytest.mark.parametrize(
    ("period", "end", "start", "last"),
    [
        ("today", "2022-07-03T08:15", "2022-07-03", "2022-07-04"),
        # The newest slot ends at midnight: it belongs to the day before.
        ("today", "2022-07-03", "2022-07-02", "2022-07-03"),
        ("24h", "2022-07-03T08:15", "2022-07-02T08:15", "2022-07-03T08:15"),
        # Elapsed time: the clock went forward in the night.
        ("24h", "2022-03-13T12:00", "2022-03-12T11:00", "2022-03-13T12:00"),
        # Local days: 7 days ago at the same time of day.
        ("7d", "2022-03-13T12:00", "2022-03-06T12:00", "2022-03-13T12:00"),
        ("30d", "2022-07-31", "2022-07-01", "2022-07-31"),
        ("month", "2022-08-01", "2022-07-01", "2022-08-01"),
        ("month", "2022-12-31T23:00", "2022-12-01", "2023-01-01"),
    ],
)
def test_a_period_is_its_window(period: str, end: str, start: str, last: str) -> None:
    assert period_window(period, at(end)) == Window(at(start), at(last))


def test_a_custom_period_is_what_was_given() -> None:
    found = period_window("custom", at("2022-08-01"), ("2022-07-01", "2022-07-02T06:00"))
    assert found == parse_window("2022-07-01", "2022-07-02T06:00", LA)


def test_an_unknown_period_is_refused() -> None:
    with pytest.raises(WindowError, match="unknown period 'eon'; known: today"):
        period_window("eon", at("2022-08-01"))


@pytest.mark.parametrize(
    ("start", "end", "steps", "expected"),
    [
        ("2022-03-01", "2022-04-01", -1, ("2022-02-01", "2022-03-01")),
        ("2022-12-01", "2023-01-01", 1, ("2023-01-01", "2023-02-01")),
        ("2022-03-13", "2022-03-14", 1, ("2022-03-14", "2022-03-15")),
        ("2022-07-01T06:00", "2022-07-01T12:00", 2, ("2022-07-01T18:00", "2022-07-02")),
    ],
)
def test_shifting_keeps_months_and_local_lengths(
    start: str, end: str, steps: int, expected: tuple[str, str]
) -> None:
    assert shifted(parse_window(start, end, LA), steps) == parse_window(*expected, LA)


def test_a_month_is_told_from_other_windows() -> None:
    assert is_month(parse_window("2022-12", "2023-01", LA))
    assert not is_month(parse_window("2022-12", "2023-02", LA))
    assert not is_month(parse_window("2022-12-02", "2023-01", LA))


@pytest.mark.parametrize(
    ("language", "start", "end", "expected"),
    [
        ("en", "2022-07", "2022-08", "Jul 2022"),
        ("fr", "2022-07", "2022-08", "juil. 2022"),
        ("en", "2022-07-05", "2022-07-06", "5 Jul 2022"),
        ("en", "2022-07-05", "2022-07-12", "5 – 11 Jul 2022"),
        ("en", "2022-06-28", "2022-07-05", "28 Jun – 4 Jul 2022"),
        ("en", "2022-12-26", "2023-01-02", "26 Dec 2022 – 1 Jan 2023"),
        ("fr", "2022-07-01", "2022-07-12", "1er – 11 juil. 2022"),
        ("fr", "2022-06-28", "2022-07-02", "28 juin – 1er juil. 2022"),
        ("en", "2022-07-05T06:30", "2022-07-06T06:30", "5 Jul 2022 06:30 – 6 Jul 2022 06:30"),
    ],
)
def test_a_window_in_words(language: str, start: str, end: str, expected: str) -> None:
    assert describe(parse_window(start, end, LA), texts_for(language)) == expected


def test_a_moment_is_rounded_down_to_its_slot() -> None:
    moment = datetime(2022, 7, 1, 12, 7, 59, 5, tzinfo=UTC).astimezone(LA)
    assert slot_floor(moment, 900) == datetime(2022, 7, 1, 12, tzinfo=UTC)
    assert slot_floor(moment, 10) == datetime(2022, 7, 1, 12, 7, 50, tzinfo=UTC)
