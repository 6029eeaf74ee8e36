"""Named periods, resolved to windows against the newest data."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from microgrid_lib.errors import WindowError
from microgrid_lib.present.texts import Texts
from microgrid_lib.window import Window, day_window, month_window, parse_time

PERIODS: tuple[str, ...] = ("today", "24h", "7d", "30d", "month", "custom")
_DAYS = {"7d": 7, "30d": 30}


def period_window(period: str, end: datetime, custom: tuple[str, str] | None = None) -> Window:
    """Resolve the window of a named period.

    Parameters
    ----------
    period
        One of `PERIODS`.
    end
        End of what can be expected, in the display zone: rolling periods end there; "today" and
        "month" are the day and month of the slot before it.
    custom
        Start and end as text (see `window.parse_time`), for `custom`.

    Raises
    ------
    WindowError
        An unknown period, or a custom one that can't be understood.
    """
    zone = end.tzinfo
    if zone is None:
        raise WindowError("a period needs times with a zone")
    newest = (end.astimezone(UTC) - timedelta(microseconds=1)).astimezone(zone)
    if period == "today":
        return day_window(newest.date(), zone)
    if period == "24h":
        start = end.astimezone(UTC) - timedelta(hours=24)
        return Window(start.astimezone(zone), end)
    if period in _DAYS:
        start = end.replace(tzinfo=None) - timedelta(days=_DAYS[period])
        return Window(start.replace(tzinfo=zone), end)
    if period == "month":
        return month_window(f"{newest:%Y-%m}", zone)
    if period == "custom" and custom is not None:
        return Window(parse_time(custom[0], zone), parse_time(custom[1], zone))
    raise WindowError(f"unknown period {period!r}; known: {', '.join(PERIODS)}")


def slot_floor(moment: datetime, interval_s: int) -> datetime:
    """Round a moment down to the start of its slot, counted from the local midnight."""
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    elapsed = int((moment.astimezone(UTC) - midnight.astimezone(UTC)).total_seconds())
    start = midnight.astimezone(UTC) + timedelta(seconds=elapsed - elapsed % interval_s)
    return start.astimezone(moment.tzinfo)


def shifted(window: Window, steps: int) -> Window:
    """Move a window by whole lengths of its own, in local time; months stay months."""
    zone = window.start.tzinfo
    start, end = window.start.replace(tzinfo=None), window.end.replace(tzinfo=None)
    if is_month(window) and zone is not None:
        number = start.year * 12 + start.month - 1 + steps
        return month_window(f"{number // 12:04d}-{number % 12 + 1:02d}", zone)
    move = steps * (end - start)
    return Window((start + move).replace(tzinfo=zone), (end + move).replace(tzinfo=zone))


def is_whole_days(window: Window) -> bool:
    """Whether it starts and ends at local midnight."""
    return all(moment.time().isoformat() == "00:00:00" for moment in (window.start, window.end))


def is_month(window: Window) -> bool:
    """Whether it is one local calendar month."""
    if not is_whole_days(window) or window.start.day != 1 or window.end.day != 1:
        return False
    following = date(window.start.year + window.start.month // 12, window.start.month % 12 + 1, 1)
    return window.end.date() == following


def describe(window: Window, texts: Texts) -> str:
    """Say the window in words, in local time."""
    last = window.end - timedelta(seconds=1)
    if is_month(window):
        return texts.month(window.start)
    if is_whole_days(window):
        if last.date() == window.start.date():
            return texts.day(window.start)
        return texts.days(window.start, last)
    return f"{texts.moment(window.start)} – {texts.moment(window.end)}"
