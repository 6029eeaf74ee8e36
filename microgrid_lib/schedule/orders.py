"""Which reports a run makes: of the last whole period before each of its times."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta, tzinfo

from microgrid_lib.errors import MicrogridError
from microgrid_lib.report.orders import Kind, ReportOrder, period_of
from microgrid_lib.schedule.config import ALL, Job
from microgrid_lib.settings import Settings
from microgrid_lib.site.load import list_sites, load_site


def last_period(kind: Kind, at: datetime, zone: tzinfo) -> str:
    """Name the last whole month, week or day before a moment, in a zone."""
    today = at.astimezone(zone).date()
    begins = {
        Kind.monthly: today.replace(day=1),
        Kind.weekly: today - timedelta(days=today.weekday()),
        Kind.daily: today,
    }[kind]
    before = begins - timedelta(days=1)
    return period_of(kind, _noon(before))


def _noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12)


def sites_of(wanted: Sequence[str], settings: Settings) -> list[str]:
    """Sites of a job: those named, or all that have data, where `all` is among them."""
    if ALL not in wanted:
        return list(dict.fromkeys(wanted))
    from microgrid_lib.api import open_site

    found = []
    for name in list_sites(settings.home):
        try:
            if open_site(name, settings=settings).span() is not None:
                found.append(name)
        except MicrogridError:
            # It can't be read: making its report says why.
            found.append(name)
    return found


def orders_of(
    job: Job, dues: Sequence[datetime], language: str, settings: Settings
) -> list[ReportOrder]:
    """List the reports of a run, each once.

    Parameters
    ----------
    dues
        Times of the run.
    language
        Where the job names none.

    Returns
    -------
    list of ReportOrder
        By period, then by site. A site that can't be read has its order too: the report says why
        it failed.
    """
    found: dict[ReportOrder, None] = {}
    sites = sites_of(job.site, settings)
    for due in dues:
        for site in sites:
            period = ""
            if job.span is not None:
                period = last_period(job.span, due, _zone(site, due, settings))
            order = ReportOrder(
                kind=job.report,
                site=site,
                period=period,
                profile=job.profile,
                section=job.section,
                language=job.language or language,
            )
            found[order] = None
    return list(found)


def _zone(site: str, due: datetime, settings: Settings) -> tzinfo:
    try:
        return load_site(site, settings.home).display_zone
    except MicrogridError:
        # There will be no report; its failure is told under this period.
        assert due.tzinfo is not None  # noqa: S101  for the type checker
        return due.tzinfo
