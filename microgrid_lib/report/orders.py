"""Which report is wanted, and what became of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from enum import StrEnum
from pathlib import Path

from microgrid_lib.errors import MicrogridError, UnknownNameError, WindowError
from microgrid_lib.present.texts import LANGUAGES
from microgrid_lib.window import Window, day_window, month_window, parse_window

SECTION_NAMES = ("overview", "production", "storage", "distribution", "quality")
"""Sections that a report may be about."""

_MONTH = re.compile(r"[0-9]{4}-[0-9]{2}")
_WEEK = re.compile(r"([0-9]{4})-W([0-9]{2})")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


class Kind(StrEnum):
    """Kinds of report; each is a notebook in `reports/`."""

    monthly = "monthly"
    weekly = "weekly"
    daily = "daily"
    section = "section"
    consumers = "consumers"


class Status(StrEnum):
    """What became of a report.

    `unchanged`: it was there already, made of the same inputs by the same software.
    `empty`: there are no data in the period; the file is one page that says so.
    """

    made = "made"
    unchanged = "unchanged"
    empty = "empty"
    failed = "failed"


@dataclass(frozen=True)
class ReportOrder:
    """Which report is wanted.

    Attributes
    ----------
    kind
        See `Kind`.
    site
        Name of a site, or path of a site file.
    period
        `2022-07`, `2022-W27` (ISO), `2022-07-05`, or `START/END`, local to the site, of which the
        end isn't included. Empty: the newest whole month, week or day that the data reach; a
        section's, month. A consumers' list has none: it is as it is now.
    profile
        Default: the site's own.
    section
        One of `SECTION_NAMES`, for the kind `section`.
    language
        One of `present.texts.LANGUAGES`.

    Raises
    ------
    UnknownNameError
        No kind, section or language of that name.
    WindowError
        A period that doesn't suit the kind.
    """

    kind: Kind
    site: str
    period: str = ""
    profile: str | None = None
    section: str = ""
    language: str = "en"

    def __post_init__(self) -> None:
        """Refuse what no report can be made of, whoever asks."""
        if self.kind not in list(Kind):
            raise UnknownNameError("kind of report", str(self.kind), list(Kind))
        object.__setattr__(self, "kind", Kind(self.kind))
        if self.language not in LANGUAGES:
            raise UnknownNameError("language", self.language, list(LANGUAGES))
        if self.kind is Kind.section and self.section not in SECTION_NAMES:
            raise UnknownNameError("section", self.section, list(SECTION_NAMES))
        if self.kind is Kind.consumers and self.period:
            raise WindowError("a list of consumers has no period: it is as it is now")
        if self.kind is not Kind.section and self.section:
            raise MicrogridError(f"a {self.kind} report has no section {self.section!r}")
        forms = {Kind.monthly: _MONTH, Kind.weekly: _WEEK, Kind.daily: _DAY}
        form = forms.get(self.kind)
        if self.period and form is not None and not form.fullmatch(self.period):
            written = {Kind.monthly: "YYYY-MM", Kind.weekly: "YYYY-Www", Kind.daily: "YYYY-MM-DD"}
            raise WindowError(
                f"{self.period!r} isn't the period of a {self.kind} report; "
                f"use {written[self.kind]}"
            )

    def window(self, zone: tzinfo) -> Window | None:
        """The period as a window of local time; None where the kind needs none.

        Raises
        ------
        WindowError
            It isn't a period.
        """
        return period_window(self.period, zone) if self.period else None

    def stem(self, site: str, default_profile: str) -> str:
        """Name of its file without the ending: the same order always has the same.

        Parameters
        ----------
        site
            Name of the site.
        default_profile
            The site's own profile, which isn't named.
        """
        kind = f"{self.kind}-{self.section}" if self.section else str(self.kind)
        profile = self.profile if self.profile != default_profile else None
        parts = (site, kind, self.period.replace("/", "_to_"), profile or "", self.language)
        return "_".join(_UNSAFE.sub("-", part) for part in parts if part)


@dataclass(frozen=True)
class ReportResult:
    """What became of a report.

    Attributes
    ----------
    file
        The PDF (or HTML) file; None where it failed.
    pages
        Of the PDF; 0 of HTML.
    seconds
        How long it took [s].
    status
        See `Status`.
    reason
        One line where it is `empty` or `failed`.
    exit_code
        As the command line's: 0, 1 a fault of ours or of the template, 2 wrong input, 3 no data.
    order
        What was wanted.
    """

    file: Path | None
    pages: int
    seconds: float
    status: Status
    reason: str = ""
    exit_code: int = 0
    order: ReportOrder | None = None


def period_window(period: str, zone: tzinfo) -> Window:
    """Read a period: a month, an ISO week, a day, or `START/END`.

    Raises
    ------
    WindowError
        It is none of them.
    """
    text = period.strip()
    if "/" in text:
        start, _, end = text.partition("/")
        return parse_window(start, end, zone)
    if _MONTH.fullmatch(text):
        return month_window(text, zone)
    week = _WEEK.fullmatch(text)
    try:
        if week:
            monday = date.fromisocalendar(int(week.group(1)), int(week.group(2)), 1)
            return day_window(monday, zone, end=monday + timedelta(days=7))
        if _DAY.fullmatch(text):
            return day_window(date.fromisoformat(text), zone)
    except (ValueError, OverflowError):
        raise WindowError(f"there is no period {text!r}") from None
    raise WindowError(f"{text!r} isn't a period; use YYYY-MM, YYYY-Www, YYYY-MM-DD or START/END")


def period_of(kind: Kind, moment: datetime) -> str:
    """Name of the month, week or day in which a moment lies, in its own zone."""
    if kind is Kind.monthly:
        return f"{moment:%Y-%m}"
    if kind is Kind.weekly:
        year, week, _ = moment.isocalendar()
        return f"{year:04d}-W{week:02d}"
    return f"{moment:%Y-%m-%d}"


def whole_periods(kind: Kind, start: datetime, end: datetime) -> list[str]:
    """Months, weeks or days that begin at or after `start` or have it inside, and end by `end`.

    Parameters
    ----------
    start, end
        In the display zone.
    """
    zone = start.tzinfo
    if zone is None:
        raise WindowError("periods need times with a zone")
    found: list[str] = []
    name = period_of(kind, start)
    while True:
        window = period_window(name, zone)
        if window.end_utc > end:
            return found
        found.append(name)
        name = period_of(kind, window.end)


def refuse_future(period: str, window: Window | None, now: datetime) -> None:
    """Refuse a period that hasn't begun.

    Raises
    ------
    WindowError
        It hasn't.
    """
    if window is not None and window.start_utc >= now:
        raise WindowError(f"the period {period} is in the future")
