"""Counts, durations and values with a band, as the command line writes them."""

from __future__ import annotations

import pytest

from microgrid_lib.cli.words import counted, duration, with_band


def test_one_is_singular() -> None:
    assert [counted(n, "file") for n in (0, 1, 2)] == ["0 files", "1 file", "2 files"]
    assert counted(1, "summary", "summaries") == "1 summary"
    assert counted(2, "summary", "summaries") == "2 summaries"


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (1.17504e7, "136 days"),
        (90_000, "1 day 1 h"),
        (12_000, "3 h 20 min"),
        (86_399.6, "1 day"),
        (3600, "1 h"),
        (130, "2 min 10 s"),
        (60, "1 min"),
        (40, "40 s"),
        (0.5, "0.5 s"),
    ],
)
def test_a_duration_has_its_two_largest_units(seconds: float, written: str) -> None:
    assert duration(seconds) == written


@pytest.mark.parametrize(
    ("value", "half_width", "written"),
    [
        (57.8473, 58.0, "58 ± 58"),
        (57.8473, 3.14159, "57.8 ± 3.1"),
        (57.8473, 0.0421, "57.847 ± 0.042"),
        (57.8473, 120.0, "58 ± 120"),
        (57.8473, 0.0, "57.8473 ± 0"),
    ],
)
def test_a_value_has_the_digits_of_its_band(value: float, half_width: float, written: str) -> None:
    assert with_band(value, half_width) == written
