"""Limits of grid quality as bands of a chart, the widest first."""

from __future__ import annotations

from typing import Literal

from microgrid_lib.kpi.limits import Band as Limit
from microgrid_lib.present.charts import Band
from microgrid_lib.present.texts import Texts
from microgrid_lib.site.profile import Site

EN_50160_VOLTAGE = (0.90, 1.10)
"""Supply voltage, 95 % of the week, per unit; where the grid has 50 Hz it is the usual limit."""


def bands_of(
    limits: Literal["", "voltage_a", "voltage", "frequency"], site: Site, texts: Texts
) -> tuple[Band, ...]:
    """Bands to shade behind a chart.

    Parameters
    ----------
    limits
        `voltage_a`: range A alone; `voltage`: the ranges of ANSI C84.1 at 60 Hz, range A and
        EN 50160 at 50 Hz; `frequency`: where the site warns, and what it calls critical.
    """
    if not limits:
        return ()
    if limits == "frequency":
        return _frequency(site, texts)
    nominal = site.nominal.voltage_v
    inner = Limit.of(nominal, site.limits.voltage_a)
    range_a = Band(inner.low, inner.high, texts("band.voltage_a"))
    if limits == "voltage_a":
        return (range_a,)
    fifty = site.nominal.frequency_hz == 50.0
    outer = Limit.of(nominal, EN_50160_VOLTAGE if fifty else site.limits.voltage_b)
    label = texts("band.en50160" if fifty else "band.voltage_b")
    return (Band(outer.low, outer.high, label, "band-outer"), range_a)


def _frequency(site: Site, texts: Texts) -> tuple[Band, ...]:
    bands = []
    for tone, deviation in (
        ("band-outer", site.limits.frequency_critical),
        ("band", site.limits.frequency_warning),
    ):
        limit = Limit.of(site.nominal.frequency_hz, (1 - deviation, 1 + deviation))
        label = texts("band.deviation", share=deviation)
        bands.append(Band(limit.low, limit.high, label, tone))  # type: ignore[arg-type]
    return tuple(bands)
