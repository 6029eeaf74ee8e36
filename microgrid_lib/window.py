"""Windows of time: `[start, end)`, given in a site's display zone, kept in UTC."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from microgrid_lib.errors import WindowError

_MONTH = re.compile(r"([0-9]{4})-([0-9]{2})")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DATED = re.compile(r"([0-9]{4})-([0-9]{2})(?:-([0-9]{2}))?(?![0-9-])")
_END_OF_DAY = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]24:00(?::00(?:\.0+)?)?(Z|[+-][0-9]{2}:?[0-9]{2})?"
)
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
        # In UTC: times of one zone compare by the wall clock, wrongly in a doubled hour.
        if not self.start_utc < self.end_utc:
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
        """Return the window just before: the month before, as many local days, or as long.

        A local calendar month gives the one before it. Whole local days stay whole local days
        across a change of summer time; any other window keeps its elapsed time.
        """
        zone_ = self.start.tzinfo
        first, last = self.start.replace(tzinfo=None), self.end.replace(tzinfo=None)
        local_length = last - first
        next_month = _month_start(first + timedelta(days=31))
        if zone_ is not None and first == _month_start(first) and last == next_month:
            month_before = _month_start(first - timedelta(days=1))
            return Window(_midnight(month_before.date(), zone_), self.start)
        if local_length > timedelta(0) and not local_length % timedelta(days=1):
            earlier = self.start.replace(tzinfo=None, fold=0) - local_length
            start = earlier.replace(tzinfo=zone_).astimezone(UTC)
        else:
            start = self.start_utc - self.duration
        return Window(start.astimezone(zone_), self.start)

    def as_far(self, later: Window, until: datetime) -> Window:
        """Cut this window to as much as is over of a later one: until eight, if it is eight there.

        Where both begin at the same time of the day, the clock decides, else the time elapsed.

        Parameters
        ----------
        later
            The window it is compared with, not this one.
        until
            How far the later one has come (aware).
        """
        if elapsed(until, later.end) <= timedelta(0):
            return self
        over = elapsed(later.start, until)
        end = self.start_utc + over
        first, then = self.start.replace(tzinfo=None), later.start.replace(tzinfo=None)
        if first.time() == then.time():
            by_the_clock = until.astimezone(later.start.tzinfo).replace(tzinfo=None) - then
            end = (first + by_the_clock).replace(tzinfo=self.start.tzinfo).astimezone(UTC)
        return self.clip(self.start_utc, end) or self

    def clip(self, start: datetime, end: datetime) -> Window | None:
        """Return the part inside [start, end), None where there is none."""
        low, high = max(self.start_utc, start), min(self.end_utc, end)
        if low >= high:
            return None
        zone_ = self.start.tzinfo
        return Window(low.astimezone(zone_), high.astimezone(zone_))


def elapsed(start: datetime, end: datetime) -> timedelta:
    """Time from one instant to another, also across a change of summer time.

    Subtracting times of one zone gives what its clocks say, an hour too much or too little there.
    """
    return end.astimezone(UTC) - start.astimezone(UTC)


def _month_start(at: datetime) -> datetime:
    return at.replace(day=1, hour=0, minute=0, second=0, microsecond=0, fold=0)


def parse_time(text: str, zone_: tzinfo) -> datetime:
    """Read an instant from text.

    Parameters
    ----------
    text
        `2022-05-01` (local midnight), `2022-05-01 13:45[:10]`, `2022-05-01T24:00` (end of that
        day), `2022-05` (start of the month), or ISO 8601 with an offset or `Z`.
    zone_
        Zone of times without an offset. Where a change of summer time skips or doubles midnight,
        a day starts with its first instant.

    Raises
    ------
    WindowError
        It isn't a time, is out of range, doesn't exist in the zone, or is there twice.
    """
    stripped = text.strip()
    end_of_day = _END_OF_DAY.fullmatch(stripped)
    month = _MONTH.fullmatch(stripped)
    plain = stripped
    if end_of_day:
        plain = end_of_day.group(1) + (
            f"T00:00{end_of_day.group(2)}" if end_of_day.group(2) else ""
        )
    elif month:
        plain += "-01"
    try:
        parsed = datetime.fromisoformat(plain)
        if end_of_day:
            parsed += timedelta(days=1)
    except (ValueError, OverflowError):
        raise WindowError(_not_a_time(text)) from None
    if not _FIRST_YEAR <= parsed.year <= _LAST_YEAR:
        raise WindowError(f"{text!r} is outside {_FIRST_YEAR}-{_LAST_YEAR}")
    if parsed.tzinfo is not None:
        return parsed.astimezone(zone_)
    if _DAY.fullmatch(plain):
        return _midnight(parsed.date(), zone_)
    return _local(text, parsed, zone_)


def _not_a_time(text: str) -> str:
    """Say what is wrong with a text that no time can be read from."""
    dated = _DATED.match(text.strip())
    if dated:
        month, day = int(dated.group(2)), dated.group(3) or "01"
        if not 1 <= month <= 12:
            return f"{text!r}: there is no such month"
        try:
            date(int(dated.group(1)), month, int(day))
        except ValueError:
            return f"{text!r}: there is no such day"
    return (
        f"{text!r} isn't a time; use YYYY-MM-DD, YYYY-MM, YYYY-MM-DDThh:mm[:ss] "
        "or the latter with an offset such as +01:00"
    )


def _local(text: str, parsed: datetime, zone_: tzinfo) -> datetime:
    """Find the one instant at which the zone's clocks show a time."""
    first, second = (parsed.replace(tzinfo=zone_, fold=fold).astimezone(UTC) for fold in (0, 1))
    local = first.astimezone(zone_)
    if local.replace(tzinfo=None, fold=0) != parsed:
        raise WindowError(f"{text!r} doesn't exist in {zone_}: clocks go forward over it")
    if first != second:
        choices = " or ".join(at.astimezone(zone_).isoformat() for at in (first, second))
        raise WindowError(f"{text!r} is there twice in {zone_}: write {choices}")
    return local


def _midnight(day: date, zone_: tzinfo) -> datetime:
    """Find the first instant of a local day."""
    return datetime.combine(day, time(), zone_).astimezone(UTC).astimezone(zone_)


def parse_window(start: str, end: str, zone_: tzinfo) -> Window:
    """Read a window from two texts; see `parse_time`."""
    return Window(parse_time(start, zone_), parse_time(end, zone_))


def month_window(month: str, zone_: tzinfo) -> Window:
    """Return the local calendar month `YYYY-MM`."""
    found = _MONTH.fullmatch(month.strip())
    if not found or not 1 <= int(found.group(2)) <= 12:
        raise WindowError(f"{month!r} isn't a month; use YYYY-MM")
    year, number = int(found.group(1)), int(found.group(2))
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        raise WindowError(f"{month!r} is outside {_FIRST_YEAR}-{_LAST_YEAR}")
    following = date(year + number // 12, number % 12 + 1, 1)
    return day_window(date(year, number, 1), zone_, end=following)


def day_window(day: date, zone_: tzinfo, end: date | None = None) -> Window:
    """Return the local day, or the local days [day, end)."""
    following = end or day + timedelta(days=1)
    return Window(_midnight(day, zone_), _midnight(following, zone_))
