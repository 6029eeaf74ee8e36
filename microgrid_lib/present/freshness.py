"""How old the newest data is, in words and as a level."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from microgrid_lib.present.texts import Texts

Level = Literal["fresh", "stale", "old", "history"]

STALE_AFTER = timedelta(minutes=5)
OLD_AFTER = timedelta(hours=1)


@dataclass(frozen=True)
class Freshness:
    """Age of the newest sample.

    Attributes
    ----------
    level
        `history` for a site that isn't live: its age says nothing.
    """

    level: Level
    text: str
    as_of: datetime
    live: bool


def freshness(
    as_of: datetime, now: datetime, texts: Texts, *, live: bool, interval_s: int
) -> Freshness:
    """Judge the newest sample.

    Parameters
    ----------
    as_of
        Newest sample, in the display zone.
    interval_s
        Nominal time between samples [s]: three of them missing is the least that counts as stale.
    """
    if not live:
        return Freshness("history", texts("fresh.until", moment=texts.moment(as_of)), as_of, live)
    age = max(now - as_of, timedelta(0))
    if age <= max(STALE_AFTER, timedelta(seconds=3 * interval_s)):
        return Freshness("fresh", texts("fresh.live", age=texts.age(age)), as_of, live)
    level: Level = "stale" if age <= OLD_AFTER else "old"
    return Freshness(level, texts("fresh.stale", age=texts.age(age)), as_of, live)
