"""Earlier periods to compare with, and when a comparison may be made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

from microgrid_lib.errors import NoDataError
from microgrid_lib.kpi.compare import Change, change
from microgrid_lib.kpi.model import Kpi, KpiReport
from microgrid_lib.kpi.registry import FULL_COVERAGE, Definition
from microgrid_lib.present.periods import describe, is_month, shifted
from microgrid_lib.present.texts import Texts
from microgrid_lib.window import Window

Which = Literal["before", "season"]
_YEAR_OF_WEEKS = timedelta(days=364)
_WEEK = timedelta(days=7)


class KpiData(Protocol):
    """What KPIs are asked of."""

    def kpis(self, window: Window) -> KpiReport:
        """KPIs of a window."""


@dataclass(frozen=True)
class Earlier:
    """An earlier period.

    Attributes
    ----------
    which
        `before`: the period just before; `season`: one that the season or the day of the week
        doesn't tell apart.
    kpis
        None where the site has no data of it.
    """

    which: Which
    window: Window
    kpis: Mapping[str, Kpi] | None

    def name(self, texts: Texts) -> str:
        """The period in words."""
        return texts.month_name(self.window.start) if is_month(self.window) else self.short(texts)

    def short(self, texts: Texts) -> str:
        """The period in few words, for the head of a column."""
        return describe(self.window, texts)


@dataclass(frozen=True)
class Compared:
    """A KPI against an earlier period.

    Attributes
    ----------
    change
        None where it may not be made.
    refused
        Why: `no_data` then, `not_known` (no value now or then), `coverage` now or then too low.
    coverage
        The lower of both coverages (0-1), where that is the reason.
    """

    earlier: Earlier
    change: Change | None
    refused: Literal["", "no_data", "not_known", "coverage"] = ""
    coverage: float | None = None


def earlier_windows(window: Window) -> tuple[tuple[Which, Window], ...]:
    """Periods to compare with: the one before, and the one that the season doesn't tell apart.

    A month: the month before, the same month a year before. A day: the day before, the same day of
    the week before. Else: as many days before, and 52 weeks before.
    """
    if is_month(window):
        return (("before", shifted(window, -1)), ("season", shifted(window, -12)))
    back = _WEEK if window.duration <= timedelta(hours=25) else _YEAR_OF_WEEKS
    zone = window.start.tzinfo
    start, end = (at.replace(tzinfo=None) - back for at in (window.start, window.end))
    season = Window(start.replace(tzinfo=zone), end.replace(tzinfo=zone))
    return (("before", window.previous()), ("season", season))


def ask_earlier(data: KpiData, window: Window, until: datetime) -> tuple[Earlier, ...]:
    """Ask for the KPIs of the earlier periods.

    Parameters
    ----------
    until
        End of what can be expected of the window.
    """
    found = []
    for which, whole in earlier_windows(window):
        period = whole.as_far(window, until)
        try:
            kpis: Mapping[str, Kpi] | None = data.kpis(period).kpis
        except NoDataError:
            kpis = None
        found.append(Earlier(which, period, kpis))
    return tuple(found)


def compare(definition: Definition, now: Kpi, earlier: Earlier) -> Compared:
    """Compare a KPI with an earlier period, where 95 % of the samples of both are valid."""
    if earlier.kpis is None:
        return Compared(earlier, None, "no_data")
    then = earlier.kpis.get(definition.name)
    if now.value is None or then is None or then.value is None:
        if then is not None and then.coverage == 0:
            return Compared(earlier, None, "no_data")
        return Compared(earlier, None, "not_known")
    covered = [kpi.coverage for kpi in (now, then) if kpi.coverage is not None]
    if covered and min(covered) < FULL_COVERAGE:
        return Compared(earlier, None, "coverage", min(covered))
    return Compared(earlier, change(definition, now, then))
