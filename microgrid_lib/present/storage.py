"""What the Storage section shows: the state of charge and energies besides cards and charts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

import numpy as np

from microgrid_lib.kpi.soc import SocSeries, no_soc
from microgrid_lib.present.bars import BarChart, Flow, energy_bars, energy_step
from microgrid_lib.present.cards import spark_pieces
from microgrid_lib.present.charts import (
    Band,
    Chart,
    ChartSpec,
    Floats,
    Line,
    LineSpec,
    Ribbon,
    Span,
    elapsed_s,
    lay_out,
)
from microgrid_lib.present.sections import (
    CardSpec,
    SectionContent,
    SectionSpec,
    SiteData,
    prepare_section,
)
from microgrid_lib.present.texts import Texts
from microgrid_lib.present.ticks import Tick
from microgrid_lib.site.models import Battery
from microgrid_lib.window import Window

if TYPE_CHECKING:
    import pandas as pd

    from microgrid_lib.kpi.energies import Step

SOC = "soc"
_SPARK_POINTS = 60
_SHARES = (0, 25, 50, 75, 100)
_MARK_SHARE = 0.005
"""Width of the mark of an anchor, as a share of the chart's."""

_FLOWS = (
    ("fuel_cell", "fuel_cell", "fuel-cell", False),
    ("battery_discharge", "battery", "battery", False),
    ("battery_charge", "battery", "battery", True),
)
"""Flow, role it is from, colour, whether it is taken."""

STORAGE = SectionSpec(
    kpis=("storage", "production"),
    cards=(
        CardSpec("soc", role="battery", source="battery", lead=True),
        CardSpec("battery_autonomy_h", role="load", spark="load", source="load", lead=True),
        CardSpec(
            "battery_round_trip_efficiency",
            role="battery",
            spark="battery",
            source="battery",
            lead=True,
        ),
        CardSpec(
            "fuel_cell_contribution",
            role="fuel_cell",
            spark="fuel_cell",
            source="fuel-cell",
            lead=True,
        ),
        CardSpec("battery_autonomy_critical_h", role="critical_load"),
        CardSpec("equivalent_cycles", role="battery"),
        CardSpec("battery_discharge_energy", role="battery"),
        CardSpec("battery_charge_energy", role="battery"),
    ),
    charts=(
        ChartSpec(
            "battery",
            "kW",
            (
                LineSpec("battery", "battery", "line.power"),
                LineSpec("battery_setpoint", "battery", "line.set_response", setpoint=True),
            ),
            signed=True,
        ),
        ChartSpec(
            "contribution",
            "kW",
            (
                LineSpec("fuel_cell", "fuel-cell", "role.fuel_cell"),
                LineSpec("battery", "battery", "role.battery"),
            ),
            signed=True,
        ),
    ),
)


class StorageData(SiteData, Protocol):
    """What the section asks of the library besides cards and series."""

    def soc(self, window: Window, points: int = 1000) -> SocSeries:
        """State of charge over time."""

    def energies(self, flows: Sequence[str], window: Window, step: Step = "day") -> pd.DataFrame:
        """Energy of flows per hour, day or month."""


@dataclass(frozen=True)
class StorageContent(SectionContent):
    """The section, ready to be drawn.

    Attributes
    ----------
    energy
        What battery and fuel cell gave and took, piece by piece; None where there is neither.
    """

    energy: BarChart | None = None


def prepare_storage(
    data: StorageData, window: Window, texts: Texts, against: str = ""
) -> StorageContent:
    """Ask for the section's numbers and describe what is drawn.

    Raises
    ------
    NoDataError
        There is no data in the window.
    """
    found = prepare_section(STORAGE, data, window, texts, against)
    cards, charts, missing = found.cards, found.charts, found.missing
    if no_soc(data.profile) is None:
        series = data.soc(window)
        spark = spark_pieces(_spark(series))
        cards = tuple(replace(c, spark=spark) if c.kpi == SOC else c for c in cards)
        charts = (_soc_chart(series, data, window, texts), *charts)
    elif data.profile.has("battery"):
        missing = f"{missing} {texts('storage.no_soc')}".strip()
    return StorageContent(cards, charts, missing, energy=_energy(data, window, texts))


def _energy(data: StorageData, window: Window, texts: Texts) -> BarChart | None:
    flows = [
        Flow(name, texts(f"flow.{name}"), source, taken)
        for name, role, source, taken in _FLOWS
        if data.profile.has(role)
    ]
    if not flows:
        return None
    step = energy_step(window)
    frame = data.energies([flow.name for flow in flows], window, step)
    return energy_bars("energies", texts("chart.energies"), frame, flows, step, texts)


def zoom_soc(data: StorageData, window: Window, texts: Texts, origin: datetime) -> Chart:
    """Describe a stretch of the state of charge at the resolution that fits it.

    Parameters
    ----------
    window
        The stretch.
    origin
        Where the x axis of the whole chart counts from.

    Raises
    ------
    NoDataError
        There is no data in the stretch.
    """
    return _soc_chart(data.soc(window), data, window, texts, origin)


def _soc_chart(
    series: SocSeries,
    data: StorageData,
    window: Window,
    texts: Texts,
    origin: datetime | None = None,
) -> Chart:
    zero = origin or window.start_utc
    frame, battery = series.frame, data.site.battery
    x = elapsed_s(frame, zero)
    soc, low, high = (
        100 * frame[name].to_numpy(dtype=np.float64) for name in ("soc", "low", "high")
    )
    line = Line("soc", texts("line.soc"), "battery", setpoint=False, fill=False, x=x, y=soc)
    room = _MARK_SHARE * window.duration.total_seconds()
    anchors = _anchors(frame, window, zero)
    chart = lay_out(
        SOC,
        texts("chart.soc"),
        _said(frame, texts),
        "%",
        window,
        texts,
        (line,),
        gaps=_gaps(frame, x),
        bands=(Band(100 * battery.soc_min, 100 * battery.soc_max, _usable(battery, texts)),),
        ribbons=(Ribbon(texts("ribbon.soc"), "ink", x, low, high),),
        spans=[Span(at - room, at + room, texts("span.anchor")) for at in anchors],
        interval_s=series.step_s,
        origin=zero,
    )
    ticks = tuple(Tick(float(share), texts.number(share)) for share in _SHARES)
    return replace(chart, y_range=(0.0, 100.0), y_ticks=ticks)


def _usable(battery: Battery, texts: Texts) -> str:
    low, high = (texts.number(100 * share) for share in (battery.soc_min, battery.soc_max))
    return texts("band.usable", low=low, high=high)


def _said(frame: pd.DataFrame, texts: Texts) -> str:
    """Say what the state of charge at the end goes back to."""
    last = frame.iloc[-1]
    key = "chart.soc.anchored" if bool(last["anchored"]) else "chart.soc.assumed"
    return texts(key, moment=texts.moment(last["since"].to_pydatetime()))


def _anchors(frame: pd.DataFrame, window: Window, zero: datetime) -> list[float]:
    """Find the instants in the window at which an anchor set the state of charge [s]."""
    since = frame.loc[frame["anchored"], "since"].drop_duplicates()
    inside = since[(since >= window.start) & (since < window.end)].dt.tz_convert("UTC")
    return [float(s) for s in (inside - zero).dt.total_seconds()]


def _gaps(frame: pd.DataFrame, x: Floats) -> list[tuple[float, float]]:
    """Stretches between points in which a valid power is missing, joined where they touch."""
    found: list[tuple[float, float]] = []
    for row in np.flatnonzero(frame["gap"].to_numpy(dtype=np.bool_)).tolist():
        if found and found[-1][1] == x[row - 1]:
            found[-1] = (found[-1][0], float(x[row]))
        else:
            found.append((float(x[row - 1]), float(x[row])))
    return found


def _spark(series: SocSeries) -> list[float]:
    values = series.frame["soc"].to_numpy(dtype=np.float64)
    rows = np.linspace(0, len(values) - 1, min(_SPARK_POINTS, len(values))).round().astype(int)
    return [float(v) for v in values[rows]]
