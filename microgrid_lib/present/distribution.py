"""What the section Distribution and consumption shows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from microgrid_lib.errors import NoDataError
from microgrid_lib.kpi import notes
from microgrid_lib.present.charts import Chart, ChartSpec, LineSpec
from microgrid_lib.present.load_pictures import duration_picture, split_picture, week_picture
from microgrid_lib.present.pictures import Picture
from microgrid_lib.present.sections import (
    CardSpec,
    SectionContent,
    SectionSpec,
    SiteData,
    prepare_section,
)
from microgrid_lib.present.texts import Texts
from microgrid_lib.site.profile import Profile
from microgrid_lib.window import Window

if TYPE_CHECKING:
    from microgrid_lib.kpi.load_shape import DurationCurve, WeekProfile

_LEADS = (
    CardSpec("self_sufficiency", spark="load", source="load", lead=True),
    CardSpec("self_consumption", spark="pv", source="pv", lead=True),
    CardSpec("critical_share", spark="critical_load", source="critical-load", lead=True),
    CardSpec("peak_load", spark="load", source="load", lead=True),
)
_COMPACT = (
    CardSpec("peak_import"),
    CardSpec("grid_dependency"),
    CardSpec("load_factor"),
    CardSpec("grid_import_energy"),
)
_TIE = (
    CardSpec("grid_export_energy", spark="grid", source="grid", lead=True),
    CardSpec("grid_import_energy", spark="grid", source="grid", lead=True),
    CardSpec("peak_import", spark="grid", source="grid", lead=True),
    CardSpec("auxiliaries_mean", lead=True),
)
"""What is read first where no load is measured."""

DISTRIBUTION = SectionSpec(
    kpis=("distribution",),
    cards=(*_LEADS, *_COMPACT),
    charts=(
        ChartSpec(
            "load",
            "kW",
            (
                LineSpec("load", "load", "line.load", fill=True),
                LineSpec("critical_load", "critical-load", "line.critical_load"),
            ),
            from_zero=True,
        ),
        ChartSpec("grid", "kW", (LineSpec("grid", "grid", "line.grid"),), signed=True),
        ChartSpec(
            "mccb_power", "kW", (LineSpec("mccb_power", "ink", "line.mccb_power"),), signed=True
        ),
        ChartSpec(
            "mccb_voltage",
            "V",
            (
                LineSpec("mccb_voltage", "ink", "line.mccb"),
                LineSpec("bus_voltage", "grid", "line.bus"),
            ),
            limits="voltage_a",
        ),
        ChartSpec(
            "chilled_water",
            "°C",
            (
                LineSpec("temp_inlet", "accent", "line.inlet"),
                LineSpec("temp_outlet", "muted", "line.outlet"),
            ),
        ),
    ),
)


class DistributionData(SiteData, Protocol):
    """What the section asks of the library."""

    def load_duration(self, window: Window) -> DurationCurve:
        """The load ranked by height."""

    def load_week(self, window: Window) -> WeekProfile:
        """The mean load by weekday and local hour."""


@dataclass(frozen=True)
class DistributionContent:
    """The section, ready to be drawn.

    Attributes
    ----------
    section
        Cards and charts over time.
    pictures
        Donut, duration curve and heat map, those there can be.
    absent
        Why pictures are missing, in a sentence; may be empty.
    """

    section: SectionContent
    pictures: tuple[Picture, ...]
    absent: str = ""

    @property
    def drawn(self) -> tuple[Chart | Picture, ...]:
        """Charts and pictures as they stand: the load first, then what flows over the tie."""
        charts = self.section.charts
        load = tuple(chart for chart in charts if chart.name == "load")
        return (*load, *self.pictures, *(chart for chart in charts if chart.name != "load"))


def distribution_spec(profile: Profile) -> SectionSpec:
    """The section's cards and charts.

    A grid that isn't metered is called so. Where the load isn't known the tie comes first, and
    what needs a load follows with its reason.
    """
    spec = DISTRIBUTION
    if profile.grid_is_derived:
        charts = tuple(
            replace(chart, name="grid_derived") if chart.name == "grid" else chart
            for chart in spec.charts
        )
        spec = replace(spec, charts=charts)
    if not profile.has("load"):
        shown = {card.kpi for card in _TIE}
        rest = (replace(c, lead=False) for c in spec.cards if c.kpi not in shown)
        spec = replace(spec, cards=(*_TIE, *rest))
    return spec


def prepare_distribution(
    data: DistributionData, window: Window, texts: Texts, against: str = ""
) -> DistributionContent:
    """Ask for the section's numbers and describe what it shows.

    Parameters
    ----------
    against
        What changes are against, in words.

    Raises
    ------
    NoDataError
        There is no data in the window.
    """
    section = prepare_section(distribution_spec(data.profile), data, window, texts, against)
    if not data.profile.has("load"):
        reason = texts.note(notes.no_role(data.profile, "load"))
        return DistributionContent(section, (), texts("load.absent", reason=reason))
    pictures: list[Picture] = []
    if data.profile.has("critical_load"):
        split = split_picture(section.kpis, texts)
        pictures += [split] if split else []
    try:
        pictures.append(duration_picture(data.load_duration(window), texts))
        pictures.append(week_picture(data.load_week(window), texts))
    except NoDataError:
        return DistributionContent(section, tuple(pictures), texts("load.none"))
    return DistributionContent(section, tuple(pictures))
