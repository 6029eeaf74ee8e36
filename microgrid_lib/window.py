"""Windows of time: `[start, end)`, given in a site's display zone, kept in UTC."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from microgrid_lib.errors import WindowError

_MONTH = re.compile(r"(\d{4})-(\d{2})")
_END_OF_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})[T ]24:00(:00)?")
_FIRST_YEAR, _LAST_YEAR = 1970, 2200


@dataclass(frozen=True)
class Window:
    """A half-open window of time.

    Attributes
    ----------
    start, end
        Aware instants, start < end.
    """

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        """Refuse an empty or reversed window."""
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise WindowError("a window needs times with a zone")
        if not self.start < self.end:
            raise WindowError(
                f"the start {self.start.isoformat()} must be before the end {self.end.isoformat()}"
            )

    @property
    def start_utc(self) -> datetime:
        """Start in UTC."""
        return self.start.astimezone(UTC)

    @property
    def end_utc(self) -> datetime:
        """End in UTC."""
        return self.end.astimezone(UTC)

    @property
    def duration(self) -> timedelta:
        """Elapsed time, also across a change of summer time."""
        return self.end_utc - self.start_utc

    @property
    def hours(self) -> float:
        """Elapsed hours."""
        return self.duration / timedelta(hours=1)

    def previous(self) -> Window:
        """The window of the same local length that ends where this one starts."""
        zone_ = self.start.tzinfo
        local_length = self.end.replace(tzinfo=None) - self.start.replace(tzinfo=None)
        earlier = self.start.replace(tzinfo=None) - local_length
        return Window(earlier.replace(tzinfo=zone_), self.start)

    def clip(self, start: datetime, end: datetime) -> Window | None:
        """The part inside [start, end), None where there is none."""
        low, high = max(self.start_utc, start), min(self.end_utc, end)
        if low >= high:
            return None
        zone_ = self.start.tzinfo
        return Window(low.astimezone(zone_), high.astimezone(zone_))


def parse_time(text: str, zone_: tzinfo) -> datetime:
    """An instant from text.

    Parameters
    ----------
    text
        `2022-05-01` (local midnight), `2022-05-01 13:45[:10]`, `2022-05-01T24:00` (end of that
        day), `2022-05` (start of the month), or ISO 8601 with an offset or `Z`.
    zone_
        Zone of times without an offset.

    Raises
    ------
    WindowError
        It isn't a time, is out of range, or doesn't exist in the zone.
    """
    stripped = text.strip()
    problem = (
        f"{text!r} isn't a time; use YYYY-MM-DD, YYYY-MM-DDThh:mm[:ss] "
        "or the same with an offset such as +01:00"
    )
    extra = timedelta(0)
    end_of_day = _END_OF_DAY.fullmatch(stripped)
    if end_of_day:
        stripped, extra = end_of_day.group(1), timedelta(days=1)
    month = _MONTH.fullmatch(stripped)
    if month:
        stripped += "-01"
    try:
        parsed = datetime.fromisoformat(stripped)
        if not _FIRST_YEAR <= parsed.year <= _LAST_YEAR:
            raise WindowError(f"{text!r} is outside {_FIRST_YEAR}-{_LAST_YEAR}")
        parsed += extra
    except (ValueError, OverflowError):
        raise WindowError(problem) from None
    if parsed.tzinfo is not None:
        return parsed.astimezone(zone_)
    local = parsed.replace(tzinfo=zone_)
    back = local.astimezone(UTC).astimezone(zone_)
    if back.replace(tzinfo=None) != parsed:
        raise WindowError(f"{text!r} doesn't exist in {zone_}: clocks go forward over it")
    return local


def parse_window(start: str, end: str, zone_: tzinfo) -> Window:
    """A window from two texts; see `parse_time`."""
    return Window(parse_time(start, zone_), parse_time(end, zone_))


def month_window(month: str, zone_: tzinfo) -> Window:
    """The local calendar month `YYYY-MM`."""
    found = _MONTH.fullmatch(month.strip())
    if not found or not 1 <= int(found.group(2)) <= 12:
        raise WindowError(f"{month!r} isn't a month; use YYYY-MM")
    year, number = int(found.group(1)), int(found.group(2))
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        raise WindowError(f"{month!r} is outside {_FIRST_YEAR}-{_LAST_YEAR}")
    following = date(year + number // 12, number % 12 + 1, 1)
    return day_window(date(year, number, 1), zone_, end=following)


def day_window(day: date, zone_: tzinfo, end: date | None = None) -> Window:
    """The local day, or the local days [day, end)."""
    following = end or day + timedelta(days=1)
    return Window(
        datetime.combine(day, time(), zone_),
        datetime.combine(following, time(), zone_),
    )
