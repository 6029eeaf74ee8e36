"""Which periods of a site there are to report on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from microgrid_lib.api import open_site
from microgrid_lib.errors import NoDataError
from microgrid_lib.report.orders import Kind, ReportOrder, period_window, whole_periods


def newest_period(order: ReportOrder, now: datetime | None = None) -> ReportOrder:
    """Give an order without a period the newest whole one that the site's data reach.

    Raises
    ------
    UnknownNameError, SiteError
        No such site or profile.
    NoDataError
        The site has no data for a whole period.
    """
    return periods_with_data(order, now)[-1]


def periods_with_data(order: ReportOrder, now: datetime | None = None) -> list[ReportOrder]:
    """Orders for all periods that are over and that the data reach into, the oldest first.

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
        if period_window(name, zone).start < span[1]
    ]
    if not reached:
        raise NoDataError(f"no {kind} period of site {data.site.name} is over yet")
    return reached
