"""PDF files of what the page shows."""

from __future__ import annotations

from collections.abc import Sequence

from microgrid_lib.dashboard.downloads import PDF, File, file_name
from microgrid_lib.dashboard.loaded import Loaded
from microgrid_lib.errors import NoDataError
from microgrid_lib.present.charts import Chart
from microgrid_lib.report import Passage, about, chart_pdf, passages_pdf


def chart_file(chart: Chart, loaded: Loaded) -> File:
    """Make a PDF of a chart, or of the stretch of it that is looked at.

    Raises
    ------
    ReportError
        A package for it is missing.
    """
    what = about(loaded.data, chart.window, loaded.texts)
    name = file_name(chart.name, *_when(loaded), extension="pdf")
    return File(name, PDF, chart_pdf(chart, what, loaded.texts))


def section_file(title: str, passages: Sequence[Passage], loaded: Loaded) -> File:
    """Make a PDF of a section.

    Raises
    ------
    NoDataError
        The section shows nothing.
    ReportError
        A package for it is missing.
    """
    if not passages:
        raise NoDataError(loaded.texts("chart.nothing"))
    what = about(loaded.data, loaded.window, loaded.texts)
    name = file_name(title, *_when(loaded), extension="pdf")
    return File(name, PDF, passages_pdf(title, passages, what, loaded.texts))


def _when(loaded: Loaded) -> tuple[str, str]:
    window = loaded.window
    return loaded.data.site.name, f"{window.start:%Y-%m-%d}_{window.end:%Y-%m-%d}"
