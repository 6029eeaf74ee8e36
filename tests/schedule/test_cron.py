"""Times of cron expressions, also on the days clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid_lib.schedule.cron import check_cron, due_times, next_time
from microgrid_lib.schedule.quiet import check_quiet, is_quiet

DENVER = ZoneInfo("America/Denver")
PARIS = ZoneInfo("Europe/Paris")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")


def between(expression: str, zone: ZoneInfo, first: str, last: str) -> list[str]:
    start = datetime.fromisoformat(first).replace(tzinfo=zone)
    end = datetime.fromisoformat(last).replace(tzinfo=zone)
    found, count = due_times(expression, zone, start, end.astimezone(UTC), 100)
    assert count == len(found)
    return [time.isoformat(timespec="minutes") for time in found]


def test_a_time_that_clocks_skip_comes_right_after_the_gap() -> None:
    assert between("30 2 * * *", DENVER, "2026-03-07T12:00", "2026-03-09T12:00") == [
        "2026-03-08T03:00-06:00",
        "2026-03-09T02:30-06:00",
    ]
    assert between("30 2 * * *", PARIS, "2026-03-28T12:00", "2026-03-30T12:00") == [
        "2026-03-29T03:00+02:00",
        "2026-03-30T02:30+02:00",
    ]


def test_a_time_that_is_there_twice_comes_once() -> None:
    assert between("30 1 * * *", DENVER, "2026-10-31T12:00", "2026-11-02T12:00") == [
        "2026-11-01T01:30-06:00",
        "2026-11-02T01:30-07:00",
    ]
    assert between("30 2 * * *", PARIS, "2026-10-24T12:00", "2026-10-26T12:00") == [
        "2026-10-25T02:30+02:00",
        "2026-10-26T02:30+01:00",
    ]


def test_every_hour_is_every_elapsed_hour() -> None:
    spring = between("0 * * * *", DENVER, "2026-03-08T00:30", "2026-03-08T04:30")
    assert [text[11:] for text in spring] == ["01:00-07:00", "03:00-06:00", "04:00-06:00"]
    autumn = between("0 * * * *", DENVER, "2026-11-01T00:30", "2026-11-01T02:30")
    assert [text[11:] for text in autumn] == ["01:00-06:00", "01:00-07:00", "02:00-07:00"]


@settings(deadline=None)
@given(
    moment=st.datetimes(datetime(2024, 1, 1), datetime(2027, 12, 31)),
    zone=st.sampled_from([DENVER, PARIS, LORD_HOWE, ZoneInfo("UTC"), ZoneInfo("Asia/Kathmandu")]),
    hour=st.integers(0, 23),
    minute=st.integers(0, 59),
)
def test_a_daily_job_runs_on_every_day_once(
    moment: datetime, zone: ZoneInfo, hour: int, minute: int
) -> None:
    start = moment.replace(tzinfo=UTC)
    expression = f"{minute} {hour} * * *"
    times = [start]
    for _ in range(4):
        times.append(next_time(expression, zone, times[-1]))
    assert all(b.astimezone(UTC) > a.astimezone(UTC) for a, b in pairwise(times))
    days = [time.astimezone(zone).date() for time in times[1:]]
    assert [b - a for a, b in pairwise(days)] == [timedelta(days=1)] * 3


@settings(deadline=None)
@given(
    gap=st.timedeltas(timedelta(seconds=1), timedelta(days=40)),
    cut=st.floats(0, 1),
    minute=st.integers(0, 59),
)
def test_looking_twice_finds_what_looking_once_finds(
    gap: timedelta, cut: float, minute: int
) -> None:
    start = datetime(2026, 10, 20, 5, 17, tzinfo=UTC)
    end, middle = start + gap, start + gap * cut
    expression = f"{minute} */3 * * *"
    once = due_times(expression, DENVER, start, end, 10**6)
    first = due_times(expression, DENVER, start, middle, 10**6)
    second = due_times(expression, DENVER, middle, end, 10**6)
    assert [t.astimezone(UTC) for t in once[0]] == [
        t.astimezone(UTC) for t in (*first[0], *second[0])
    ]


def test_of_many_missed_times_the_newest_are_kept_and_all_are_counted() -> None:
    end = datetime(2026, 6, 10, 12, tzinfo=UTC)
    times, count = due_times("0 6 * * *", ZoneInfo("UTC"), end - timedelta(days=9), end, 2)
    assert ([time.day for time in times], count) == ([9, 10], 9)


def test_years_of_absence_are_looked_at_in_no_time() -> None:
    end = datetime(2026, 6, 10, 12, tzinfo=UTC)
    _, count = due_times("0 6 * * *", ZoneInfo("UTC"), end - timedelta(days=4000), end, 2)
    assert count == 400


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0 6 1 *", "five|5 fields"),
        ("@monthly", "5 fields"),
        ("0 0 6 1 * *", "5 fields"),
        ("61 6 1 * *", "minute is wrong"),
        ("0 24 * * *", "hour is wrong"),
        ("0 6 32 * *", "day-of-month is wrong"),
        ("0 6 1 13 *", "month is wrong"),
        ("0 6 1 * XYZ", "day-of-week is wrong"),
        ("0 6 30 2 *", "day-of-month is wrong"),
    ],
)
def test_a_wrong_expression_is_told_with_its_field(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        check_cron(text)


@pytest.mark.parametrize("text", ["0 6 1 * *", "*/5 * * * *", "0 6 * * MON", "15 4,16 * 1-6 1-5"])
def test_a_right_expression_is_kept(text: str) -> None:
    assert check_cron(text) == text


@pytest.mark.parametrize(
    ("hours", "at", "quiet"),
    [
        ("22:00-06:00", "21:59", False),
        ("22:00-06:00", "22:00", True),
        ("22:00-06:00", "00:00", True),
        ("22:00-06:00", "05:59", True),
        ("22:00-06:00", "06:00", False),
        ("12:00-13:30", "11:59", False),
        ("12:00-13:30", "12:00", True),
        ("12:00-13:30", "13:30", False),
        (None, "03:00", False),
    ],
)
def test_quiet_hours_may_go_over_midnight(hours: str | None, at: str, quiet: bool) -> None:
    local = datetime.fromisoformat(f"2026-06-01T{at}").replace(tzinfo=DENVER)
    assert is_quiet(hours, local) is quiet


@pytest.mark.parametrize("text", ["", "22-06", "24:00-06:00", "22:00-22:00", "22:00–06:00"])
def test_what_are_no_quiet_hours_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be two times of day"):
        check_quiet(text)
