"""Makes a report: runs its notebook, typesets it, writes it with its manifest."""

from __future__ import annotations

import re
import time
import traceback
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from microgrid_lib.errors import MicrogridError, StoreError
from microgrid_lib.report.aside import drawing_aside
from microgrid_lib.report.errors import ReportError
from microgrid_lib.report.manifest import (
    Manifest,
    file_hash,
    read_manifest,
    software,
    write_whole,
)
from microgrid_lib.report.orders import (
    Kind,
    ReportOrder,
    ReportResult,
    Status,
    refuse_future,
)
from microgrid_lib.report.periods import newest_period
from microgrid_lib.resources import resource_path
from microgrid_lib.settings import Settings, load_settings
from microgrid_lib.window import Window

if TYPE_CHECKING:
    from microgrid_lib.api import SiteData
    from microgrid_lib.report.notebook.reading import Pages
    from microgrid_lib.store.refresh import Progress

SEED = 20220501
_FAULT, _NO_DATA = 1, 3
_PAGE = re.compile(rb"/Type\s*/Page\b")
_ENDINGS = {".pdf"}


def make(
    order: ReportOrder,
    out: Path | None = None,
    *,
    force: bool = False,
    html: bool = False,
    aside: bool = False,
    progress: Progress | None = None,
    now: datetime | None = None,
) -> ReportResult:
    """Make a report, unless it is there already: of the same inputs, by the same software.

    Beside the PDF stands a manifest of the same name that ends in `.json`.

    Parameters
    ----------
    order
        Which report.
    out
        The file, where it ends in `.pdf`, else the folder; default: `reports` in the home.
    force
        Whether to make it again.
    html
        Whether to write the same as HTML beside it.
    aside
        Whether figures are drawn in a process of their own: faster where a core is free. A script
        that asks for it guards its main part by `if __name__ == "__main__":`.
    progress
        Called with how many cells are done, how many there are, and an empty text.
    now
        The present; default: the clock.

    Returns
    -------
    ReportResult
        What became of it. A mistake is no exception but a result that `failed`, with its reason in
        one line; the details of an unexpected one are in the home's `logs`.
    """
    began = time.perf_counter()
    settings: Settings | None = None
    try:
        settings = load_settings()
        present = now or datetime.now(UTC)
        with drawing_aside() if aside else nullcontext():
            return _make(order, out or settings.reports, began, force, html, present, progress)
    except MicrogridError as error:
        _keep_details(settings, getattr(error, "details", ""))
        reason, code = " ".join(str(error).split()), error.exit_code
    except Exception as error:
        _keep_details(settings, "".join(traceback.format_exception(error)))
        reason, code = f"unexpected fault: {type(error).__name__}: {error}", _FAULT
    seconds = time.perf_counter() - began
    return ReportResult(None, 0, seconds, Status.failed, reason, code, order)


def template_of(kind: Kind) -> Path:
    """The notebook of a kind of report."""
    return resource_path(f"reports/{kind}.ipynb")


def parameters_of(order: ReportOrder) -> dict[str, str | int | None]:
    """What the notebook of an order is given."""
    given: dict[str, str | int | None] = {
        "site": order.site,
        "profile": order.profile,
        "language": order.language,
    }
    if order.kind is not Kind.consumers:
        given["period"] = order.period
    if order.kind is Kind.section:
        given["section"] = order.section
    return given


def _make(
    order: ReportOrder,
    out: Path,
    began: float,
    force: bool,
    html: bool,
    now: datetime,
    progress: Progress | None,
) -> ReportResult:
    from microgrid_lib.api import open_site

    if not order.period and order.kind is not Kind.consumers:
        order = newest_period(order, now)
    data = open_site(order.site, order.profile)
    window = order.window(data.site.display_zone)
    refuse_future(order.period, window, now)
    target = _target(order, data, out)
    template = template_of(order.kind)
    inputs, by = data.provenance(window), software(template)
    beside = target.with_suffix(".json")
    parameters = parameters_of(order)
    known = None if force else read_manifest(beside)
    if (
        known is not None
        and (known.inputs.digest, known.software) == (inputs.digest, by)
        and known.parameters == parameters
        and _finished(data, window, now)
        and known.sha256 == file_hash(target)
        and (not html or target.with_suffix(".html").is_file())
    ):
        return _result(known, target, began, order, again=True)
    pages = _run(template, parameters, progress)
    pdf = pages.pdf(now)
    if html:
        write_whole(target.with_suffix(".html"), pages.html(now).encode("utf-8"))
    write_whole(target, pdf)
    made = Manifest(
        file=target.name,
        sha256=file_hash(target),
        pages=len(_PAGE.findall(pdf)),
        kind=order.kind,
        site=data.site.name,
        status=Status.empty if pages.empty else Status.made,
        reason=pages.empty,
        label=str(pages.head["label"]),
        attention=pages.attention,
        parameters=parameters,
        window=(window.start, window.end) if window else None,
        inputs=inputs,
        software=by,
        seed=SEED,
        made=now,
        seconds=round(time.perf_counter() - began, 3),
    )
    write_whole(beside, (made.model_dump_json(indent=1) + "\n").encode("utf-8"))
    return _result(made, target, began, order)


def _run(
    template: Path, parameters: dict[str, str | int | None], progress: Progress | None
) -> Pages:
    from microgrid_lib.report.notebook.execute import execute
    from microgrid_lib.report.notebook.reading import read_pages

    return read_pages(execute(template, parameters, SEED, progress))


def _result(
    manifest: Manifest, target: Path, began: float, order: ReportOrder, again: bool = False
) -> ReportResult:
    empty = manifest.status == Status.empty
    status = Status.empty if empty else Status.unchanged if again else Status.made
    seconds = time.perf_counter() - began
    code = _NO_DATA if empty else 0
    return ReportResult(target, manifest.pages, seconds, status, manifest.reason, code, order)


def _finished(data: SiteData, window: Window | None, now: datetime) -> bool:
    """Whether time itself can't change the numbers: coverage of a live site's day falls with it."""
    return not data.site.live or window is None or window.end_utc <= now


def _target(order: ReportOrder, data: SiteData, out: Path) -> Path:
    if out.suffix.lower() in _ENDINGS:
        target = out.absolute()
    else:
        stem = order.stem(data.site.name, data.site.default_profile)
        target = out.absolute() / f"{stem}.pdf"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{target.parent} can't be written: {error.strerror or error}") from error
    if target.is_dir():
        raise ReportError(f"{target} is a folder")
    return target


def _keep_details(settings: Settings | None, details: str) -> None:
    if settings is None or not details:
        return
    folder = settings.home / "logs"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        log = folder / f"report-{datetime.now(UTC):%Y%m%dT%H%M%S%f}.log"
        log.write_text(details, encoding="utf-8")
    except OSError:
        return
