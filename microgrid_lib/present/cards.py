"""A KPI as a card: what is written on it, ready to be drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from microgrid_lib.kpi.model import Kpi, Note
from microgrid_lib.present.texts import Texts, decimals_for

Tone = Literal["good", "bad", "neutral"]

HIGHER_IS_BETTER = frozenset(
    {
        "renewable_share",
        "battery_round_trip_efficiency",
        "fuel_cell_reliability",
        "pv_energy",
        "capacity_factor_pv",
        "capacity_factor_fuel_cell",
        "self_sufficiency",
        "self_consumption",
        "battery_autonomy_h",
        "load_factor",
    }
)
_CUT = frozenset({"voltage_compliance", "frequency_compliance", "fuel_cell_reliability"})
"""Shares of what must be all: 99.96 % never reads 100 %."""
_COUNTS = {"equivalent_cycles": "unit.cycles"}
"""Numbers without a unit that are no shares, with what they count."""
LOWER_IS_BETTER = frozenset(
    {
        "battery_tracking_rmse",
        "fuel_cell_tracking_rmse",
        "grid_dependency",
        "max_voltage_gap",
        "peak_import",
    }
)


class Change(Protocol):
    """A difference to an earlier window, as `kpi.compare` gives it."""

    @property
    def value(self) -> float | None:
        """Difference in `unit`; None where either value is missing."""

    @property
    def unit(self) -> str:
        """Unit of the difference: energies are compared as mean power [kW]."""

    @property
    def relative(self) -> float | None:
        """Difference divided by the earlier value."""


@dataclass(frozen=True)
class ChangeText:
    """A change: `▲ 2.1 pt vs previous 24 h`; `spoken` says what the arrow shows."""

    arrow: str
    spoken: str
    text: str
    tone: Tone


@dataclass(frozen=True)
class Card:
    """One KPI card.

    Attributes
    ----------
    kpi
        The KPI's name.
    value, unit
        The number itself, in full; None where undefined.
    value_text, unit_text
        What is shown.
    reason, warning
        Sentences; empty where there is none.
    coverage, coverage_share
        Such as `coverage 99.6 %`, and the share itself; empty and None where it doesn't apply.
    spark
        Points of the sparkline (0-1 each way, y upwards), pieces apart where data is missing.
    source
        Colour token of the sparkline.
    """

    kpi: str
    title: str
    value: float | None
    unit: str
    value_text: str
    unit_text: str
    reason: str = ""
    warning: str = ""
    coverage: str = ""
    coverage_share: float | None = None
    low_coverage: bool = False
    change: ChangeText | None = None
    when: str = ""
    help: str = ""
    spark: tuple[tuple[tuple[float, float], ...], ...] = ()
    source: str = "ink"
    lead: bool = False


def make_card(
    name: str,
    kpi: Kpi,
    texts: Texts,
    *,
    change: Change | None = None,
    against: str = "",
    hours: float = 24.0,
    spark: Sequence[float] = (),
    source: str = "ink",
    lead: bool = False,
) -> Card:
    """Describe the card of a KPI.

    Parameters
    ----------
    name
        The KPI's name.
    change
        Difference to the previous window.
    against
        What the change is against, in words.
    hours
        Length of the window [h]: a reason may suggest a longer one.
    spark
        Values of the sparkline at equal distances, NaN where missing.
    source
        Colour token.
    """
    value_text, unit_text = texts("card.undefined"), ""
    if kpi.value is not None:
        value_text, unit_text = kpi_quantity(name, kpi.value, kpi.unit, texts)
        if kpi.uncertainty is not None:
            spread, _ = texts.quantity(kpi.uncertainty, kpi.unit)
            unit_text = f"± {spread} {unit_text}"
    coverage = ""
    if kpi.coverage is not None:
        coverage = texts("card.coverage", share=texts.share(kpi.coverage))
    key = f"kpi.{name}"
    return Card(
        kpi=name,
        title=texts(key) if texts.has(key) else name.replace("_", " "),
        value=kpi.value,
        unit=kpi.unit,
        value_text=value_text,
        unit_text=unit_text,
        reason=_reason(kpi.reason, hours, texts) if kpi.reason else "",
        warning=texts.note(kpi.warning) if kpi.warning else "",
        coverage=coverage,
        coverage_share=kpi.coverage,
        low_coverage=kpi.coverage is not None and kpi.coverage < 0.95,
        change=_change_text(name, kpi, change, against, texts),
        when=texts.moment(kpi.time) if kpi.time else "",
        help=texts(f"help.{name}") if texts.has(f"help.{name}") else "",
        spark=spark_pieces(spark),
        source=source,
        lead=lead,
    )


def kpi_quantity(name: str, value: float, unit: str, texts: Texts) -> tuple[str, str]:
    """Value and unit of a KPI as its card shows them; see `Texts.quantity`."""
    if name in _COUNTS:
        return texts.number(value, decimals_for(value, "kW")), texts(_COUNTS[name])
    if name in _CUT:
        return texts.share(value), "%"
    return texts.quantity(value, unit)


def _reason(reason: Note, hours: float, texts: Texts) -> str:
    sentence = texts.note(reason)
    needed, had = reason.params.get("needed"), reason.params.get("had")
    if reason.code == "efficiency_uncertain" and needed and had:
        days = float(needed) / float(had) * hours / 24
        longer = next((p for p, limit in (("7d", 7), ("30d", 30)) if days <= limit), None)
        if longer is not None:
            return texts("card.try", reason=sentence, period=texts(f"period.{longer}"))
    return sentence


def change_amount(kpi: Kpi, change: Change, texts: Texts, decimals: int = 0) -> str:
    """Write the size of a change, without its sign; empty where it rounds to nothing.

    Parameters
    ----------
    decimals
        Of a change in per cent.

    Raises
    ------
    ValueError
        The change has no value.
    """
    if change.value is None:
        raise ValueError("a change without a value has no size")
    if change.unit == "1":
        shown, unit = texts.number(abs(100 * change.value), 1), texts("unit.points")
    elif change.relative is not None:
        shown, unit = texts.number(abs(100 * change.relative), decimals), "%"
    elif kpi.unit == "kWh" and change.unit == "kW":
        # Energies are compared as mean power; beside kWh, kW would be another quantity.
        shown, unit = texts.quantity(abs(24 * change.value), "kWh")
        unit = texts("unit.kwh_a_day")
    else:
        shown, unit = texts.quantity(abs(change.value), change.unit)
        unit = texts("unit.cycles_a_day") if unit == "1/d" else unit
    if float(change.value) == 0 or not any(c in "123456789" for c in shown):
        return ""
    return f"{shown} {unit}"


def _change_text(
    name: str, kpi: Kpi, change: Change | None, against: str, texts: Texts
) -> ChangeText | None:
    if kpi.value is None or change is None or change.value is None:
        return None
    amount = change_amount(kpi, change, texts)
    if not amount:
        return ChangeText("=", "", texts("change.same", against=against), "neutral")
    arrow = "▲" if change.value > 0 else "▼"
    tone: Tone = "neutral"
    if name in HIGHER_IS_BETTER:
        tone = "good" if change.value > 0 else "bad"
    elif name in LOWER_IS_BETTER:
        tone = "bad" if change.value > 0 else "good"
    spoken = texts("change.more" if change.value > 0 else "change.less")
    text = texts("change.amount", amount=amount, against=against)
    return ChangeText(arrow, spoken, text, tone)


def spark_pieces(values: Sequence[float]) -> tuple[tuple[tuple[float, float], ...], ...]:
    """Points of a sparkline in the unit square, in unbroken pieces.

    Parameters
    ----------
    values
        Values at equal distances; NaN breaks the line.
    """
    finite = [v for v in values if math.isfinite(v)]
    if len(finite) < 2:
        return ()
    low, high = min(finite), max(finite)
    height = high - low or 1.0
    pieces: list[list[tuple[float, float]]] = [[]]
    for index, value in enumerate(values):
        if math.isfinite(value):
            at = round(index / (len(values) - 1), 4)
            pieces[-1].append((at, round((value - low) / height, 4)))
        elif pieces[-1]:
            pieces.append([])
    return tuple(tuple(piece) for piece in pieces if len(piece) > 1)
