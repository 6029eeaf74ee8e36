"""Times of cron expressions, in a zone with summer time.

A time that clocks skip runs right after the gap, one that is there twice runs once; expressions
with `*` for minutes or hours run by elapsed time. That is how Debian's cron does it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

FIELDS = 5
LOOKED_BACK = timedelta(days=400)
"""Times before this aren't counted as missed."""
_SAMPLE = datetime(2024, 1, 1, tzinfo=UTC)
_EXAMPLE = "such as '0 6 1 * *' (minute, hour, day of month, month, day of week)"


def check_cron(text: str) -> str:
    """Check a cron expression.

    Raises
    ------
    ValueError
        It has other than five fields, one of them is wrong, or its date never comes.
    """
    if len(text.split()) != FIELDS:
        raise ValueError(
            f"must be a cron expression of {FIELDS} fields {_EXAMPLE}, not {text[:60]!r}"
        )
    try:
        next(CronSim(text, _SAMPLE))
    except CronSimError as error:
        field = str(error).removeprefix("Bad ")
        raise ValueError(
            f"isn't a cron expression: {field} is wrong in {text[:60]!r}; {_EXAMPLE}"
        ) from None
    except StopIteration:
        raise ValueError(f"{text[:60]!r} never comes") from None
    return text


def explained(expression: str) -> str:
    """Say an expression in words."""
    return CronSim(expression, _SAMPLE).explain()


def times_after(expression: str, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """Give the times of an expression that are later than a moment, in the zone."""
    last = after.astimezone(UTC)
    for time in CronSim(expression, after.astimezone(zone)):
        if time.astimezone(UTC) > last:
            last = time.astimezone(UTC)
            yield time


def next_time(expression: str, zone: ZoneInfo, after: datetime) -> datetime:
    """Give the first time later than a moment, in the zone."""
    return next(times_after(expression, zone, after))


def due_times(
    expression: str, zone: ZoneInfo, after: datetime, until: datetime, most: int
) -> tuple[list[datetime], int]:
    """Find the times in `(after, until]`.

    Parameters
    ----------
    most
        How many of the newest to give.

    Returns
    -------
    list of datetime
        The oldest first, in the zone.
    int
        How many there were in all.
    """
    newest: deque[datetime] = deque(maxlen=most)
    count = 0
    for time in times_after(expression, zone, max(after, until - LOOKED_BACK)):
        if time.astimezone(UTC) > until:
            break
        newest.append(time)
        count += 1
    return list(newest), count
