"""Zones by name, and their changes of offset."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgrid_lib.site.zones import offset_changes, zone

HOUR = 3600


@pytest.mark.parametrize(
    ("name", "hours"), [("UTC", 0), ("UTC-07:00", -7), ("UTC+05:45", 5.75), ("UTC+14:00", 14)]
)
def test_a_fixed_offset_is_read_by_its_sign(name: str, hours: float) -> None:
    assert datetime(2022, 7, 1, tzinfo=zone(name)).utcoffset() == timedelta(hours=hours)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Mars/Base",
        "UTC+1",
        "UTC-7:00",
        "UTC+01:60",
        "UTC+14:01",
        "UTC+99:00",
        "Europe",
        "../etc/passwd",
        "/etc/passwd",
        "localtime",
        "Factory",
        "a\x00b",
        "x" * 5000,
    ],
)
def test_what_is_no_zone_is_refused_with_its_name(name: str) -> None:
    with pytest.raises(ValueError, match=r"isn't a time zone|14 hours") as caught:
        zone(name)
    assert repr(name) in str(caught.value)


def test_a_fixed_zone_never_changes() -> None:
    start = datetime(2022, 1, 1, tzinfo=UTC)
    end = start + timedelta(days=400)
    assert offset_changes(zone("UTC-07:00"), start, end) == [(start, -7 * HOUR)]


def test_paris_changes_twice_in_2023_at_one_oclock_utc() -> None:
    start = datetime(2023, 1, 1, 3, 20, 0, 500000, tzinfo=UTC)
    changes = offset_changes(zone("Europe/Paris"), start, start + timedelta(days=364))
    assert changes == [
        (start, HOUR),
        (datetime(2023, 3, 26, 1, tzinfo=UTC), 2 * HOUR),
        (datetime(2023, 10, 29, 1, tzinfo=UTC), HOUR),
    ]


def test_a_change_by_half_an_hour_is_found() -> None:
    start = datetime(2023, 3, 30, tzinfo=UTC)
    changes = offset_changes(zone("Australia/Lord_Howe"), start, start + timedelta(days=5))
    assert changes == [
        (start, 11 * HOUR),
        (datetime(2023, 4, 1, 15, tzinfo=UTC), 10 * HOUR + HOUR // 2),
    ]


def test_instants_in_another_zone_mean_the_same() -> None:
    start = datetime(2023, 3, 26, 2, tzinfo=zone("UTC+02:00"))
    end = datetime(2023, 3, 27, tzinfo=zone("UTC+02:00"))
    assert offset_changes(zone("Europe/Paris"), start, end) == [
        (datetime(2023, 3, 26, tzinfo=UTC), HOUR),
        (datetime(2023, 3, 26, 1, tzinfo=UTC), 2 * HOUR),
    ]


def test_no_time_at_all_has_one_offset() -> None:
    start = datetime(2023, 3, 26, 1, tzinfo=UTC)
    assert offset_changes(zone("Europe/Paris"), start, start) == [(start, 2 * HOUR)]


@given(
    st.sampled_from(["Europe/Paris", "America/Los_Angeles", "Africa/Casablanca", "Asia/Kolkata"]),
    st.datetimes(datetime(1990, 1, 1), datetime(2035, 1, 1)),
    st.integers(0, 800),
    st.floats(0, 1),
)
def test_the_changes_give_the_zones_offset_at_any_instant(
    name: str, naive: datetime, days: int, at: float
) -> None:
    start = naive.replace(tzinfo=UTC)
    end = start + timedelta(days=days)
    instant = start + (end - start) * at
    changes = offset_changes(zone(name), start, end)
    in_force = [offset for since, offset in changes if since <= instant][-1]
    expected = instant.astimezone(ZoneInfo(name)).utcoffset()
    assert expected is not None
    assert in_force == expected.total_seconds()
