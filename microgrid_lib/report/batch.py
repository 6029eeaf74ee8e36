"""Several reports in one go: which are wanted, and making them side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from microgrid_lib.api import open_site, sites
from microgrid_lib.errors import MicrogridError, NoDataError
from microgrid_lib.report.aside import processes
from microgrid_lib.report.making import make
from microgrid_lib.report.manifest import read_manifest
from microgrid_lib.report.orders import ReportOrder, ReportResult, Status
from microgrid_lib.report.periods import periods_with_data
from microgrid_lib.settings import load_settings

Progress = Callable[[int, int, str], None]
REPORTS_PER_WORKER = 8
"""Workers then make room for fresh ones: what libraries hold on to doesn't add up."""


def sites_with_data() -> list[str]:
    """Names of the known sites that have data.

    Raises
    ------
    NoDataError
        None has.
    """
    found = [name for name in sites() if open_site(name).span() is not None]
    if not found:
        raise NoDataError("no site has data; run `microgrid demo` or `microgrid ingest`")
    return found


def missed(order: ReportOrder, out: Path | None = None) -> list[ReportOrder]:
    """Orders for the periods whose report is missing, or said that there were no data.

    Parameters
    ----------
    order
        See `periods_with_data`, also for errors.
    out
        The folder of the reports; default: `reports` in the home. The first period is that of the
        oldest such report in it; without any, of the first data.
    """
    folder = (out or load_settings().reports).absolute()
    data = open_site(order.site, order.profile)
    orders = periods_with_data(order)
    made = [_made(one, folder, data.site.name, data.site.default_profile) for one in orders]
    first = next((number for number, status in enumerate(made) if status), 0)
    return [
        one
        for number, (one, status) in enumerate(zip(orders, made, strict=True))
        if number >= first and status in {None, Status.empty}
    ]


def make_all(
    orders: Sequence[ReportOrder],
    out: Path | None = None,
    *,
    force: bool = False,
    html: bool = False,
    progress: Progress | None = None,
) -> list[ReportResult]:
    """Make reports, several at once, each in a process of its own.

    How many at once is the setting `jobs`. One that fails doesn't keep the others from being made.

    Parameters
    ----------
    orders, out, force, html
        See `making.make`; of several reports `out` must be a folder.
    progress
        Called with how many are done, how many there are, and which was last; of one report, with
        the cells of its notebook.

    Returns
    -------
    list of ReportResult
        In the order of `orders`.

    Raises
    ------
    MicrogridError
        `out` is a file, and there are several orders.
    """
    if len(orders) == 1:
        return [make(orders[0], out, force=force, html=html, aside=True, progress=progress)]
    if out is not None and out.suffix.lower() == ".pdf":
        raise MicrogridError(f"{out} is one file, and {len(orders)} reports are wanted")
    results: dict[int, ReportResult] = {}
    workers = max(1, min(load_settings().jobs, len(orders)))
    numbered = list(enumerate(orders))
    # Fresh processes now and then; Python's own max_tasks_per_child can wait for ever.
    for first in range(0, len(numbered), workers * REPORTS_PER_WORKER):
        with processes(workers) as pool:
            futures: dict[Future[ReportResult], int] = {
                pool.submit(make, order, out, force=force, html=html): number
                for number, order in numbered[first : first + workers * REPORTS_PER_WORKER]
            }
            for done in as_completed(futures):
                number = futures[done]
                results[number] = _outcome(done, orders[number])
                if progress is not None:
                    progress(len(results), len(orders), orders[number].site)
    return [results[number] for number in range(len(orders))]


def _outcome(done: Future[ReportResult], order: ReportOrder) -> ReportResult:
    try:
        return done.result()
    except BrokenProcessPool:
        reason = "the process that made it ended early; is there enough memory?"
        return ReportResult(None, 0, 0.0, Status.failed, reason, 1, order)


def _made(order: ReportOrder, folder: Path, site: str, default_profile: str) -> str | None:
    path = folder / f"{order.stem(site, default_profile)}.pdf"
    known = read_manifest(path.with_suffix(".json"))
    return known.status if known is not None and path.is_file() else None
