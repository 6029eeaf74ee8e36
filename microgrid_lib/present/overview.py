"""What the first page shows: the state now, each section's headline, the window in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from microgrid_lib.errors import NoDataError
from microgrid_lib.kpi.report import definitions
from microgrid_lib.present.cards import Card, Change, make_card
from microgrid_lib.present.charts import Chart, ChartSpec, LineSpec
from microgrid_lib.present.distribution import distribution_spec
from microgrid_lib.present.flow import Flow, flow_picture
from microgrid_lib.present.sections import CardSpec, SiteData, spark_values, zoom_chart
from microgrid_lib.present.texts import Texts
from microgrid_lib.present.words import missing_sentence, pv_sentence, setpoint_sentence
from microgrid_lib.site.profile import Profile
from microgrid_lib.window import Window

if TYPE_CHECKING:
    from microgrid_lib.kpi.model import Kpi
    from microgrid_lib.kpi.newest import Newest
    from microgrid_lib.kpi.usual import Usual

HEADLINES: Mapping[str, tuple[CardSpec, ...]] = {
    "production": (
        CardSpec("renewable_share", spark="pv", source="pv", lead=True),
        CardSpec("pv_energy", spark="pv", source="pv", lead=True),
    ),
    "distribution": (
        CardSpec("self_sufficiency", spark="grid", source="grid", lead=True),
        CardSpec("grid_export_energy", spark="grid", source="grid", lead=True),
    ),
    "storage": (
        CardSpec("battery_autonomy_h", spark="load", source="load", lead=True),
        CardSpec("soc", source="battery", lead=True),
        CardSpec("battery_discharge_energy", spark="battery", source="battery", lead=True),
    ),
    "quality": (
        CardSpec("voltage_compliance", spark="bus_voltage", source="accent", lead=True),
        CardSpec("frequency_compliance", spark="bus_frequency", source="accent", lead=True),
    ),
}
"""Section -> its headline: the first that the profile can tell."""

SOURCES = ChartSpec(
    "sources",
    "kW",
    (
        LineSpec("pv", "pv", "node.pv"),
        LineSpec("fuel_cell", "fuel-cell", "node.fuel_cell"),
        LineSpec("genset", "genset", "node.genset"),
        LineSpec("battery", "battery", "node.battery"),
    ),
    signed=True,
)
_SPARK_POINTS = 60


class OverviewData(SiteData, Protocol):
    """What the page asks of the library."""

    def newest(self) -> Newest:
        """The newest valid sample of each role."""

    def usual(self, role: str, window: Window) -> Usual | None:
        """A role's mean over the same hours of the days before."""


@dataclass(frozen=True)
class Headline:
    """A section's one number, and the section to look for more in."""

    section: str
    card: Card


@dataclass(frozen=True)
class OverviewContent:
    """The page, ready to be drawn.

    Attributes
    ----------
    words
        Two or three sentences; may be empty.
    """

    headlines: tuple[Headline, ...]
    flow: Flow
    words: tuple[str, ...]
    charts: tuple[Chart, ...]


def overview_charts(profile: Profile) -> tuple[ChartSpec, ...]:
    """Power by source, and the load; where it isn't known, what flows over the tie."""
    lines = tuple(line for line in SOURCES.lines if profile.has(line.role))
    second = "load" if profile.has("load") else "grid"
    others = (c for c in distribution_spec(profile).charts if c.name == second)
    sources = (replace(SOURCES, lines=lines),) if lines else ()
    return (*sources, *(c for c in others if profile.has(c.lines[0].role)))


def headline_specs(profile: Profile) -> dict[str, CardSpec]:
    """Each section's headline, without the sections that this profile has nothing for."""
    known = definitions(profile)
    found: dict[str, CardSpec] = {}
    for section, choices in HEADLINES.items():
        for spec in choices:
            definition = known.get(spec.kpi)
            if definition is not None and definition.missing(profile) is None:
                found[section] = spec
                break
    return found


def prepare_overview(
    data: OverviewData,
    window: Window,
    texts: Texts,
    against: str = "",
    now: datetime | None = None,
) -> OverviewContent:
    """Ask for the page's numbers and describe what it shows.

    Parameters
    ----------
    against
        What changes are against, in words.
    now
        The present; default: the clock.

    Raises
    ------
    NoDataError
        There is no data in the window.
    """
    kpis = data.kpis(window).kpis
    changes = data.changes(window)
    flow = flow_picture(data.newest(), data.profile, texts, now or datetime.now(UTC))
    return OverviewContent(
        headlines=_headlines(data, window, texts, against, kpis, changes),
        flow=flow,
        words=_words(data, window, texts, kpis, changes),
        charts=tuple(
            zoom_chart(spec, data, window, texts, window.start_utc)
            for spec in overview_charts(data.profile)
        ),
    )


def _headlines(
    data: OverviewData,
    window: Window,
    texts: Texts,
    against: str,
    kpis: Mapping[str, Kpi],
    changes: Mapping[str, Change],
) -> tuple[Headline, ...]:
    specs = {s: c for s, c in headline_specs(data.profile).items() if c.kpi in kpis}
    roles = _sparks(specs.values(), data.profile)
    series = data.series(roles, window, _SPARK_POINTS) if roles else {}
    return tuple(
        Headline(
            section,
            make_card(
                spec.kpi,
                kpis[spec.kpi],
                texts,
                change=changes.get(spec.kpi),
                against=against,
                hours=window.hours,
                spark=spark_values(series[spec.spark]) if spec.spark in series else (),
                source=spec.source,
                lead=True,
            ),
        )
        for section, spec in specs.items()
    )


def _sparks(specs: Iterable[CardSpec], profile: Profile) -> list[str]:
    return list(dict.fromkeys(spec.spark for spec in specs if profile.has(spec.spark)))


def _words(
    data: OverviewData,
    window: Window,
    texts: Texts,
    kpis: Mapping[str, Kpi],
    changes: Mapping[str, Change],
) -> tuple[str, ...]:
    usual = None
    if data.profile.has("pv"):
        try:
            usual = data.usual("pv", window)
        except NoDataError:
            usual = None
    said = (
        pv_sentence(kpis, changes, usual, texts),
        setpoint_sentence(kpis, texts),
        missing_sentence(kpis, window, data.as_of(), texts),
    )
    return tuple(sentence for sentence in said if sentence)
