"""Freshness: fresh, stale, old, and history."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from microgrid_lib.present.freshness import freshness
from microgrid_lib.present.texts import texts_for

NOW = datetime(2022, 7, 1, 12, tzinfo=UTC)
EN = texts_for("en")


@pytest.mark.parametrize(
    ("age", "interval_s", "level"),
    [
        (timedelta(seconds=12), 10, "fresh"),
        (timedelta(minutes=5), 10, "fresh"),
        (timedelta(minutes=6), 10, "stale"),
        # Three samples of a 15-minute site.
        (timedelta(minutes=45), 900, "fresh"),
        (timedelta(minutes=46), 900, "stale"),
        (timedelta(hours=2), 10, "old"),
    ],
)
def test_a_live_site_is_judged_by_age(age: timedelta, interval_s: int, level: str) -> None:
    assert freshness(NOW - age, NOW, EN, live=True, interval_s=interval_s).level == level


def test_a_site_of_the_past_says_until_when() -> None:
    found = freshness(NOW, NOW + timedelta(days=900), EN, live=False, interval_s=10)
    assert (found.level, found.text) == ("history", "data until 1 Jul 2022 12:00")


def test_a_clock_that_is_behind_makes_no_negative_age() -> None:
    found = freshness(NOW + timedelta(minutes=1), NOW, EN, live=True, interval_s=10)
    assert found.level == "fresh"
