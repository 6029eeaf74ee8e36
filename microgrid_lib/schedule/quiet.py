"""Quiet hours: a part of the day, by the clocks of the site."""

from __future__ import annotations

import re
from datetime import datetime, time

_FORM = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


def check_quiet(text: str) -> str:
    """Check quiet hours.

    Raises
    ------
    ValueError
        They aren't two different times of day.
    """
    if not _FORM.fullmatch(text) or len(set(_ends(text))) == 1:
        raise ValueError(f"must be two times of day such as '22:00-06:00', not {text[:40]!r}")
    return text


def is_quiet(hours: str | None, local: datetime) -> bool:
    """Whether a local time lies in quiet hours, the end not included.

    Parameters
    ----------
    hours
        `22:00-06:00`, which may go over midnight; None: never.
    local
        Time in the site's zone.
    """
    if hours is None:
        return False
    start, end = _ends(hours)
    now = local.time().replace(tzinfo=None)
    return start <= now < end if start < end else now >= start or now < end


def _ends(text: str) -> tuple[time, time]:
    start, _, end = text.partition("-")
    return time.fromisoformat(start), time.fromisoformat(end)
