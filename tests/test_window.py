"""Windows of time, across months and changes of summer time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from microgrid_lib.errors import WindowError
from microgrid_lib.site.zones import zone
from microgrid_lib.window import Window, day_window, month_window, parse_time, parse_window

MDS = zone("UTC-07:00")
PARIS = zone("Europe/Paris")
SANTIAGO = zone("America/Santiago")
HAVANA = zone("America/Havana")


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2022-05-01", utc(2022, 5, 1, 7)),
        ("  2022-05-01 ", utc(2022, 5, 1, 7)),
        ("2022-05", utc(2022, 5, 1, 7)),
        ("2022-05-01 13:45", utc(2022, 5, 1, 20, 45)),
        ("2022-05-01T13:45:10", utc(2022, 5, 1, 20, 45, 10)),
        ("2022-05-01T24:00", utc(2022, 5, 2, 7)),
        ("2022-12-31 24:00:00", utc(2023, 1, 1, 7)),
        ("2022-02-28T24:00", utc(2022, 3, 1, 7)),
        ("2022-05-01T24:00+02:00", utc(2022, 5, 1, 22)),
        ("2022-05-01T24:00Z", utc(2022, 5, 2)),
        ("2022-05-01T13:45Z", utc(2022, 5, 1, 13, 45)),
        ("2022-05-01T13:45+01:00", utc(2022, 5, 1, 12, 45)),
    ],
)
def test_a_time_is_read_in_the_sites_zone(text: str, expected: datetime) -> None:
    read = parse_time(text, MDS)
    assert read == expected
    assert read.tzinfo is MDS


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2022-05-01T25:00",
        "2022-05-01T24:01",
        "01.05.2022",
        "2022-05-01T13:45+99:00",
        "2022-05-01\n2022-05-02",
        "99999-01-01",
        "٢٠٢٢-٠٥",
    ],
)
def test_what_is_no_time_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(WindowError, match="isn't a time; use YYYY-MM-DD") as caught:
        parse_time(text, MDS)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "lacks"),
    [
        ("2022-13", "month"),
        ("2022-00-10", "month"),
        ("2022-02-30", "day"),
        ("2022-06-31T24:00", "day"),
        ("2022-06-31 10:00+02:00", "day"),
    ],
)
def test_a_day_that_no_calendar_has_is_called_so(text: str, lacks: str) -> None:
    with pytest.raises(WindowError) as caught:
        parse_time(text, MDS)
    assert str(caught.value) == f"{text!r}: there is no such {lacks}"


def test_the_hint_names_every_form_of_a_time() -> None:
    with pytest.raises(WindowError) as caught:
        parse_time("5/6/2022", MDS)
    assert str(caught.value) == (
        "'5/6/2022' isn't a time; use YYYY-MM-DD, YYYY-MM, YYYY-MM-DDThh:mm[:ss] "
        "or the latter with an offset such as +01:00"
    )


@pytest.mark.parametrize("text", ["1969-12-31", "2201-01-01", "2200-12-31T24:00", "0001-01-01"])
def test_a_year_out_of_range_is_refused(text: str) -> None:
    with pytest.raises(WindowError, match="outside 1970-2200"):
        parse_time(text, MDS)


def test_an_hour_that_clocks_skip_is_refused() -> None:
    with pytest.raises(WindowError, match="doesn't exist in Europe/Paris"):
        parse_time("2023-03-26 02:30", PARIS)
    assert parse_time("2023-03-26 03:00", PARIS).astimezone(UTC) == utc(2023, 3, 26, 1)
    assert parse_time("2023-03-26 01:59:59", PARIS).astimezone(UTC) == utc(2023, 3, 26, 0, 59, 59)


def test_an_hour_that_clocks_show_twice_needs_its_offset() -> None:
    with pytest.raises(WindowError) as caught:
        parse_time("2023-10-29 02:30", PARIS)
    assert str(caught.value) == (
        "'2023-10-29 02:30' is there twice in Europe/Paris: "
        "write 2023-10-29T02:30:00+02:00 or 2023-10-29T02:30:00+01:00"
    )
    assert parse_time("2023-10-29T02:30:00+02:00", PARIS).astimezone(UTC) == utc(
        2023, 10, 29, 0, 30
    )
    assert parse_time("2023-10-29T02:30:00+01:00", PARIS).astimezone(UTC) == utc(
        2023, 10, 29, 1, 30
    )
    assert parse_time("2023-10-29 03:00", PARIS).astimezone(UTC) == utc(2023, 10, 29, 2)


def test_a_day_without_midnight_starts_with_its_first_instant() -> None:
    # Santiago, 11 September 2022: 00:00 became 01:00.
    assert parse_time("2022-09-11", SANTIAGO).astimezone(UTC) == utc(2022, 9, 11, 4)
    assert parse_time("2022-09-10T24:00", SANTIAGO).astimezone(UTC) == utc(2022, 9, 11, 4)
    assert day_window(date(2022, 9, 11), SANTIAGO).hours == 23
    assert parse_time("2022-09-11", SANTIAGO).isoformat() == "2022-09-11T01:00:00-03:00"


def test_a_day_with_two_midnights_starts_with_the_first() -> None:
    # Havana, 5 November 2023: 01:00 became 00:00.
    assert parse_time("2023-11-05", HAVANA).astimezone(UTC) == utc(2023, 11, 5, 4)
    assert day_window(date(2023, 11, 5), HAVANA).hours == 25
    with pytest.raises(WindowError, match="twice"):
        parse_time("2023-11-05 00:00", HAVANA)


def test_a_window_holds_its_start_and_ends_before_its_end() -> None:
    window = parse_window("2022-05-01", "2022-05-01T24:00", MDS)
    assert (window.start_utc, window.end_utc) == (utc(2022, 5, 1, 7), utc(2022, 5, 2, 7))
    assert window.hours == 24


@pytest.mark.parametrize("end", ["2022-05-01", "2022-04-30"])
def test_an_empty_or_reversed_window_is_refused(end: str) -> None:
    with pytest.raises(WindowError, match="must be before the end"):
        parse_window("2022-05-01", end, MDS)


def test_a_window_needs_a_zone() -> None:
    with pytest.raises(WindowError, match="zone"):
        Window(datetime(2022, 5, 1), utc(2022, 5, 2))


def test_order_in_the_doubled_hour_is_that_of_instants() -> None:
    first = parse_time("2023-10-29T02:45:00+02:00", PARIS)
    second = parse_time("2023-10-29T02:15:00+01:00", PARIS)
    assert Window(first, second).duration == timedelta(minutes=30)
    with pytest.raises(WindowError, match="must be before"):
        Window(second, first)


@pytest.mark.parametrize(
    ("month", "hours"),
    [("2023-03", 743), ("2023-10", 745), ("2024-02", 696), ("2023-12", 744)],
)
def test_a_month_is_as_long_as_its_local_days(month: str, hours: float) -> None:
    assert month_window(month, PARIS).hours == hours


@pytest.mark.parametrize("month", ["2023-00", "2023-13", "2023", "2023-1", "March", "2023-03-01"])
def test_what_is_no_month_is_refused(month: str) -> None:
    with pytest.raises(WindowError, match="isn't a month; use YYYY-MM"):
        month_window(month, PARIS)


def test_a_month_out_of_range_is_refused() -> None:
    with pytest.raises(WindowError, match="outside 1970-2200"):
        month_window("1969-12", PARIS)


def test_the_window_before_a_day_is_the_whole_day_before() -> None:
    day = day_window(date(2023, 3, 27), PARIS)
    assert day.previous() == day_window(date(2023, 3, 26), PARIS)
    assert day.previous().hours == 23


def test_the_window_before_a_day_of_25_hours_is_one_of_24() -> None:
    assert day_window(date(2023, 10, 29), PARIS).previous() == day_window(date(2023, 10, 28), PARIS)


def test_an_earlier_window_is_cut_to_as_much_as_is_over_of_a_later_one() -> None:
    day = day_window(date(2023, 7, 5), PARIS)
    before = day.previous()
    assert before.as_far(day, day.end) == before.as_far(day, day.end + timedelta(days=1)) == before
    eight = before.as_far(day, utc(2023, 7, 5, 6))
    assert (eight.start, eight.end_utc) == (before.start, utc(2023, 7, 4, 6))


def test_until_eight_means_the_clock_across_summer_time() -> None:
    # Clocks go forward at two: eight is seven hours after midnight, eight the day before.
    day = day_window(date(2023, 3, 26), PARIS)
    assert day.previous().as_far(day, utc(2023, 3, 26, 6)).end_utc == utc(2023, 3, 25, 7)
    back = day_window(date(2023, 10, 29), PARIS)
    assert back.previous().as_far(back, utc(2023, 10, 29, 7)).end_utc == utc(2023, 10, 28, 6)
    hours = parse_window("2023-03-26 01:00", "2023-03-26 04:00", PARIS)
    part = hours.previous().as_far(hours, utc(2023, 3, 26, 1))
    assert (part.start_utc, part.end_utc) == (utc(2023, 3, 25, 22), utc(2023, 3, 25, 23))


def test_of_a_shorter_window_before_never_more_than_all_is_taken() -> None:
    march, february = month_window("2023-03", PARIS), month_window("2023-02", PARIS)
    assert february.as_far(march, march.start + timedelta(days=30)) == february


def test_the_window_before_some_hours_keeps_its_duration() -> None:
    window = parse_window("2023-03-26 01:00", "2023-03-26 04:00", PARIS)
    assert window.hours == 2
    assert window.previous().start_utc == utc(2023, 3, 25, 22)


def test_the_window_before_one_that_ends_in_the_doubled_hour_keeps_its_duration() -> None:
    window = parse_window("2023-10-29T02:45+02:00", "2023-10-29T02:15+01:00", PARIS)
    assert window.previous().start_utc == utc(2023, 10, 29, 0, 15)


def test_a_clip_is_the_common_part_or_none() -> None:
    window = day_window(date(2022, 5, 1), MDS)
    clipped = window.clip(utc(2022, 5, 1), utc(2022, 5, 1, 12))
    assert clipped is not None
    assert (clipped.start_utc, clipped.end_utc) == (utc(2022, 5, 1, 7), utc(2022, 5, 1, 12))
    assert clipped.start.tzinfo is MDS
    assert window.clip(utc(2022, 5, 2, 7), utc(2022, 5, 3)) is None
    assert window.clip(utc(2022, 4, 1), utc(2022, 6, 1)) == window


@given(
    st.sampled_from(["UTC-07:00", "Europe/Paris", "America/Santiago", "Australia/Lord_Howe"]),
    st.datetimes(datetime(1995, 1, 1), datetime(2035, 1, 1)),
)
def test_any_instant_written_with_its_offset_is_read_back(name: str, naive: datetime) -> None:
    instant = naive.replace(tzinfo=UTC).astimezone(zone(name))
    assert parse_time(instant.isoformat(), zone(name)).astimezone(UTC) == instant.astimezone(UTC)


@given(
    st.sampled_from(["Europe/Paris", "America/Santiago", "America/Havana", "Asia/Kolkata"]),
    st.dates(date(1995, 1, 1), date(2035, 1, 1)),
)
def test_days_follow_each_other_without_gap(name: str, day: date) -> None:
    today = day_window(day, zone(name))
    tomorrow = day_window(day + timedelta(days=1), zone(name))
    assert today.end_utc == tomorrow.start_utc
    assert today.start.date() == day
    assert tomorrow.previous().start_utc == today.start_utc


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2035, 1, 1)),
    st.timedeltas(timedelta(seconds=1), timedelta(days=40)),
)
def test_the_window_before_ends_where_the_window_starts(naive: datetime, length: timedelta) -> None:
    start = naive.replace(tzinfo=UTC).astimezone(PARIS)
    end = (start.astimezone(UTC) + length).astimezone(PARIS)
    assume(start.utcoffset() == end.utcoffset())
    before = Window(start, end).previous()
    assert before.end_utc == start.astimezone(UTC)
    assert abs(before.duration - length) <= timedelta(hours=1)


@pytest.mark.parametrize(("month", "before"), [("2022-03", "2022-02"), ("2022-01", "2021-12")])
def test_the_month_before_a_month_is_a_month(month: str, before: str) -> None:
    assert month_window(month, PARIS).previous() == month_window(before, PARIS)
