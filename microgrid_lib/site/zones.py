"""Time zones by IANA name or fixed offset (`UTC-07:00`)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_FIXED = re.compile(r"UTC([+-])([0-9]{2}):([0-5][0-9])")
_WIDEST = timedelta(hours=14)
# Names whose meaning depends on the machine.
_LOCAL = frozenset({"localtime", "posixrules", "Factory"})


@lru_cache(maxsize=64)
def zone(name: str) -> tzinfo:
    """Return the zone of that name.

    Parameters
    ----------
    name
        `UTC`, `UTC+hh:mm`, `UTC-hh:mm` or an IANA name such as `America/Los_Angeles`.

    Raises
    ------
    ValueError
        There is no such zone.
    """
    if name == "UTC":
        return UTC
    fixed = _FIXED.fullmatch(name)
    if fixed:
        sign, hours, minutes = fixed.groups()
        offset = timedelta(hours=int(hours), minutes=int(minutes))
        if offset > _WIDEST:
            raise ValueError(f"{name!r} is more than 14 hours from UTC")
        return timezone(offset if sign == "+" else -offset, name)
    try:
        if name not in _LOCAL:
            return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    raise ValueError(
        f"{name!r} isn't a time zone; use an IANA name such as 'Europe/Paris', "
        "or a fixed offset such as 'UTC-07:00'"
    )


def offset_changes(zone_: tzinfo, start: datetime, end: datetime) -> list[tuple[datetime, int]]:
    """Offsets from UTC in force between two instants.

    Parameters
    ----------
    zone_
        The zone.
    start, end
        Aware instants, start <= end.

    Returns
    -------
    list of (datetime, int)
        UTC instant from which an offset holds, and the offset [s]; the first entry is `start`.
    """

    def offset(at: datetime) -> int:
        shift = at.astimezone(zone_).utcoffset()
        return int(shift.total_seconds()) if shift is not None else 0

    start, end = start.astimezone(UTC), end.astimezone(UTC)
    changes = [(start, offset(start))]
    day = timedelta(days=1)
    low = start
    while low < end:
        high = min(low + day, end)
        if offset(high) != offset(low):
            left, right = low, high
            while right - left > timedelta(seconds=1):
                middle = left + (right - left) / 2
                if offset(middle) == offset(left):
                    left = middle
                else:
                    right = middle
            changes.append((right.replace(microsecond=0), offset(right)))
        low = high
    return changes
