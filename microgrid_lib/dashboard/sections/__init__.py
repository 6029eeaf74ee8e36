"""The sections of the dashboard, in the order of their tabs: a new one is one entry here."""

from __future__ import annotations

from functools import partial

from microgrid_lib.dashboard.page import Page
from microgrid_lib.dashboard.parts.alerts import AlertsPart
from microgrid_lib.dashboard.parts.base import Part
from microgrid_lib.dashboard.parts.distribution import DistributionPart
from microgrid_lib.dashboard.parts.forecast import ForecastPart
from microgrid_lib.dashboard.parts.numbers import NumbersPart
from microgrid_lib.dashboard.parts.overview import OverviewPart
from microgrid_lib.dashboard.parts.quality import MeasuredPart
from microgrid_lib.dashboard.parts.simulation import SimulationPart
from microgrid_lib.dashboard.parts.storage import StoragePart
from microgrid_lib.dashboard.sections.base import Section
from microgrid_lib.present.production import PRODUCTION


def load_modules() -> None:
    """Import what the sections' parts need, while nobody waits."""
    from microgrid_lib.dashboard.parts import consumers, reports  # noqa: F401


def _consumers(page: Page) -> Part:
    # Maps and the database library take a quarter of a second, which a first page needn't wait for.
    from microgrid_lib.dashboard.parts.consumers import ConsumersPart

    return ConsumersPart(page)


def _reports(page: Page) -> Part:
    # Orders and manifests are of no use to who looks at numbers.
    from microgrid_lib.dashboard.parts.reports import ReportsPart

    return ReportsPart(page)


SECTIONS: dict[str, Section] = {
    section.name: section
    for section in (
        Section("overview", {"": (OverviewPart,)}),
        Section("production", {"": (partial(NumbersPart, PRODUCTION),)}),
        Section("storage", {"": (StoragePart, AlertsPart)}),
        Section("distribution", {"": (DistributionPart,)}),
        Section("consumers", {"": (_consumers,)}),
        Section(
            "quality",
            {
                "measured": (MeasuredPart,),
                "simulation": (SimulationPart,),
                "forecast": (ForecastPart,),
            },
        ),
        Section("reports", {"": (_reports,)}),
    )
}
