"""Which report is to be made, how far it is, and which there are. No widgets."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from traitlets import Any as AnyTrait
from traitlets import Enum, HasTraits, Int, Unicode

from microgrid_lib.dashboard.loaded import Loaded
from microgrid_lib.dashboard.page import Page
from microgrid_lib.dashboard.reporting.job import Outcome, make_beside
from microgrid_lib.errors import MicrogridError
from microgrid_lib.present.periods import describe
from microgrid_lib.present.texts import Texts
from microgrid_lib.report.orders import Kind, ReportOrder, period_of, period_window
from microgrid_lib.report.shelf import (
    PastReport,
    may_make,
    past_reports,
    read_report,
    require_making,
)
from microgrid_lib.window import Window

KINDS: tuple[str, ...] = (Kind.monthly, Kind.weekly, Kind.daily, Kind.consumers)
_WEEK_H, _MONTH_H = 6 * 24, 27 * 24

Make = Callable[[ReportOrder, Callable[[int, int], None]], Coroutine[Any, Any, Outcome]]


@dataclass(frozen=True)
class Offer:
    """A report that can be made for the period looked at."""

    order: ReportOrder
    title: str


class ReportsModel(HasTraits):
    """Reports on the site looked at.

    Parameters
    ----------
    page
        Where they stand: who looks, and the settings.
    make
        Makes one beside.

    Attributes
    ----------
    kind
        Of the report to be made, one of `KINDS`.
    status
        `idle`, `making`, `made`, `unchanged`, `empty`, `failed`.
    done, of
        Steps while it is being made.
    reason
        One line where it is `empty` or `failed`.
    file
        The newest that was made here.
    past
        The reports there are, a tuple of `PastReport`.
    loaded
        The view that offers are for.
    """

    kind = Enum(KINDS, Kind.monthly)
    status = Enum(("idle", "making", "made", "unchanged", "empty", "failed"), "idle")
    done = Int()
    of = Int()
    reason = Unicode()
    file = Unicode()
    past = AnyTrait(())
    loaded = AnyTrait(allow_none=True)

    def __init__(self, page: Page, make: Make = make_beside) -> None:
        super().__init__()
        self._page = page
        self._make = make
        self._shown: tuple[Window, str] | None = None

    @property
    def may_make(self) -> bool:
        """Whether the visitor may make reports."""
        return may_make(self._page.visitor)

    def show(self, loaded: Loaded) -> None:
        """Show the reports on a view's site; a new period chooses the kind that fits it."""
        place = (loaded.window, loaded.data.site.name)
        if self._shown != place:
            self._shown = place
            self.kind = fitting_kind(loaded.window)
            if self.status != "making":
                self.status, self.reason = "idle", ""
        self.loaded = loaded
        self.refresh()

    def refresh(self) -> None:
        """List the reports anew."""
        loaded: Loaded | None = self.loaded
        if loaded is not None:
            page = self._page
            self.past = tuple(past_reports(page.settings, page.visitor, loaded.data.site.name))

    def offers(self) -> dict[str, Offer]:
        """What can be made, by kind: on the month, the week, the day looked at."""
        loaded: Loaded | None = self.loaded
        return {} if loaded is None else {kind: offer(Kind(kind), loaded) for kind in KINDS}

    async def make(self) -> None:
        """Make the chosen report; what goes wrong becomes the reason."""
        if self.status == "making" or self.loaded is None:
            return
        self.done, self.of, self.reason = 0, 0, ""
        self.status = "making"
        try:
            require_making(self._page.visitor)
            outcome = await self._make(self.offers()[self.kind].order, self._progress)
        except MicrogridError as error:
            outcome = Outcome("failed", "", " ".join(str(error).split()))
        except BaseException:
            self.status = "failed"
            raise
        self.reason, self.file = outcome.reason, outcome.file
        self.refresh()
        self.status = outcome.status

    def read(self, file: str) -> bytes:
        """Read one of the reports; see `report.shelf.read_report`."""
        loaded: Loaded = self.loaded
        page = self._page
        return read_report(page.settings, page.visitor, loaded.data.site.name, file)

    def _progress(self, done: int, of: int) -> None:
        with self.hold_trait_notifications():
            self.done, self.of = done, of


def fitting_kind(window: Window) -> Kind:
    """The kind of report whose period is about as long as a window."""
    if window.hours >= _MONTH_H:
        return Kind.monthly
    return Kind.weekly if window.hours >= _WEEK_H else Kind.daily


def offer(kind: Kind, loaded: Loaded) -> Offer:
    """The report of a kind that a view asks for."""
    data, texts = loaded.data, loaded.texts
    period = ""
    if kind is not Kind.consumers:
        period = period_looked_at(kind, loaded.window)
    order = ReportOrder(kind, data.site.name, period, data.profile.name, "", texts.language)
    return Offer(order, title(kind, period, "", loaded, texts))


def period_looked_at(kind: Kind, window: Window) -> str:
    """The month, week or day that a window ends in; the one before where it has more of that."""
    zone = window.start.tzinfo
    if zone is None:
        raise ValueError("a window of a page has a zone")
    last = _before(window.end)
    name = period_of(kind, last)
    earlier = period_of(kind, _before(period_window(name, zone).start))
    shares = [_common(period_window(one, zone), window) for one in (earlier, name)]
    return earlier if shares[0] > shares[1] else name


def _before(moment: datetime) -> datetime:
    return (moment.astimezone(UTC) - timedelta(microseconds=1)).astimezone(moment.tzinfo)


def _common(one: Window, other: Window) -> timedelta:
    part = one.clip(other.start_utc, other.end_utc)
    return timedelta(0) if part is None else part.duration


def title(kind: Kind, period: str, section: str, loaded: Loaded, texts: Texts) -> str:
    """Say what a report is: its kind and its period in words."""
    name = texts(f"section.{section}") if section else texts(f"report.title.{kind}")
    if not period:
        return name
    try:
        window = period_window(period, loaded.data.site.display_zone)
    except MicrogridError:
        return f"{name}, {period}"
    return f"{name}, {describe(window, texts)}"


def past_title(past: PastReport, loaded: Loaded) -> str:
    """Say what a report that was made is."""
    return title(past.kind, past.period, past.section, loaded, loaded.texts)
