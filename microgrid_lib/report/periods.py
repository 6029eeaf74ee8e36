"""Which periods of a site there are to report on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from microgrid_lib.api import open_site
from microgrid_lib.errors import NoDataError
from microgrid_lib.report.orders import Kind, ReportOrder, period_window, whole_periods
from microgrid_lib.window import Window

LEAST_SPANNED = 0.5
"""Share of a period between first and last data below which nobody asked for its report."""


def newest_period(order: ReportOrder, now: datetime | None = None) -> ReportOrder:
    """Give an order without a period the newest whole one that the site's data reach the end of.

    Where they reach no period's end, it is the newest of `periods_with_data`.

    Raises
    ------
    UnknownNameError, SiteError
        No such site or profile.
    NoDataError
        The site has no data for a whole period.
    """
    reached = periods_with_data(order, now)
    data = open_site(order.site, order.profile)
    span, zone = data.span(), data.site.display_zone
    ended = [one for one in reached if span and period_window(one.period, zone).end_utc <= span[1]]
    return (ended or reached)[-1]


def periods_with_data(order: ReportOrder, now: datetime | None = None) -> list[ReportOrder]:
    """Orders for all periods that are over and half of which the data span, the oldest first.

    Parameters
    ----------
    order
        What each is like; its own period doesn't matter.
    now
        The present; default: the clock.

    Raises
    ------
    UnknownNameError, SiteError
        No such site or profile.
    NoDataError
        There is no such period.
    """
    data = open_site(order.site, order.profile)
    span = data.span()
    if span is None:
        raise NoDataError(f"no data of site {data.site.name}")
    zone = data.site.display_zone
    present = (now or datetime.now(UTC)).astimezone(zone)
    kind = Kind.monthly if order.kind is Kind.section else order.kind
    reached = [
        replace(order, period=name)
        for name in whole_periods(kind, span[0], present)
        if _spanned(period_window(name, zone), *span) >= LEAST_SPANNED
    ]
    if not reached:
        raise NoDataError(f"no {kind} period of site {data.site.name} is over yet")
    return reached


def _spanned(window: Window, first: datetime, last: datetime) -> float:
    """Share of a window that lies between two times; gaps between them don't matter."""
    begin, end = max(window.start_utc, first), min(window.end_utc, last)
    return max((end - begin) / (window.end_utc - window.start_utc), 0.0)
