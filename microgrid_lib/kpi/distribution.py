"""Distribution: where the load's energy comes from, and its peaks."""

from __future__ import annotations

from collections.abc import Callable

from microgrid_lib.kpi import notes
from microgrid_lib.kpi.model import Note
from microgrid_lib.kpi.registry import REGISTRY, Outcome, Sums, ratio

_NO_LOAD = "no load energy in the window"


@REGISTRY.add(
    "distribution",
    "1",
    "exchange",
    "load",
    "grid",
    formula="1 - E_import / E_load",
    reasons=("no_energy",),
)
def self_sufficiency(s: Sums) -> Outcome | Note:
    """Load's energy that wasn't imported; negative where the grid charged the battery.

    Undefined where the load used none.
    """
    share = ratio(s.sum("grid_import"), s.sum("load"), "load", _NO_LOAD)
    if isinstance(share, Note):
        return share
    value = 1 - share.value
    return Outcome(value, warnings=(notes.negative_self_sufficiency(),) if value < 0 else ())


@REGISTRY.add(
    "distribution",
    "1",
    "exchange",
    "load",
    "grid",
    formula="E_import / E_load",
    reasons=("no_energy",),
)
def grid_dependency(s: Sums) -> Outcome | Note:
    """Imported energy over the load's; undefined where the load used none."""
    return ratio(s.sum("grid_import"), s.sum("load"), "load", _NO_LOAD)


@REGISTRY.add(
    "distribution",
    "1",
    "pv_use",
    "pv",
    "load",
    formula="Σ min(P_pv, max(P_load + P_charge, 0)) / Σ P_pv",
    source="Luthander et al. (2015), doi:10.1016/j.apenergy.2014.12.028, with storage",
    reasons=("no_energy",),
)
def self_consumption(s: Sums) -> Outcome | Note:
    """PV energy used or stored on site over all PV energy; undefined where there was none."""
    return ratio(s.sum("used"), s.sum("pv"), "pv", "no PV energy in the window")


@REGISTRY.add(
    "distribution",
    "1",
    "critical",
    "critical_load",
    "load",
    formula="Σ min(P_critical, P_load) / Σ P_load",
    reasons=("no_energy",),
)
def critical_share(s: Sums) -> Outcome | Note:
    """Critical part of the load's energy; undefined where the load used none."""
    share = ratio(s.sum("served"), s.sum("load"), "load", _NO_LOAD)
    if isinstance(share, Note):
        return share
    return Outcome(share.value, warnings=_where_exceeding(s, notes.critical_exceeds_load))


@REGISTRY.add(
    "distribution",
    "kWh",
    "critical",
    "critical_load",
    "load",
    formula="Σ min(P_critical, P_load) · dt",
    compare="rate",
)
def critical_load_energy(s: Sums) -> Outcome | Note:
    """Energy of the critical part of the load, as in `critical_share`."""
    return Outcome(s.energy("served"), warnings=_where_exceeding(s, notes.critical_exceeds_load))


@REGISTRY.add(
    "distribution",
    "kWh",
    "critical",
    "critical_load",
    "load",
    formula="Σ (P_load - min(P_critical, P_load)) · dt",
    compare="rate",
)
def other_load_energy(s: Sums) -> Outcome | Note:
    """Energy of the rest of the load; with the critical part it makes the whole."""
    return Outcome(
        s.energy("load") - s.energy("served"),
        warnings=_where_exceeding(s, notes.critical_exceeds_load),
    )


def _where_exceeding(s: Sums, note: Callable[[int, int, float], Note]) -> tuple[Note, ...]:
    count = s.count("exceeding")
    return (note(count, s.n, s.sum("excess") / count),) if count else ()


@REGISTRY.add(
    "distribution",
    "kW",
    "load",
    formula="highest mean of a clock quarter hour with >= 50 % valid slots",
    reasons=("no_peak",),
)
def peak_load(s: Sums) -> Outcome | Note:
    """Highest quarter-hour mean of the load, and its start."""
    peak = s.peak("load")
    return Outcome(peak.value, time=peak.time) if peak else notes.no_peak()


@REGISTRY.add(
    "distribution",
    "kW",
    "grid",
    formula="highest mean of a clock quarter hour with >= 50 % valid slots",
    reasons=("no_peak",),
)
def peak_import(s: Sums) -> Outcome | Note:
    """Highest quarter-hour mean of the import, and its start."""
    peak = s.peak("grid_import")
    return Outcome(peak.value, time=peak.time) if peak else notes.no_peak()


@REGISTRY.add(
    "distribution",
    "1",
    "load",
    formula="mean load / peak_load",
    reasons=("no_peak", "no_energy"),
)
def load_factor(s: Sums) -> Outcome | Note:
    """Mean load over the peak; undefined where the peak isn't positive."""
    peak = s.peak("load")
    if peak is None:
        return notes.no_peak()
    return ratio(s.sum("sum") / s.n, peak.value, "load", _NO_LOAD)


@REGISTRY.add("distribution", "kWh", "grid", formula="Σ max(P_grid, 0) · dt", compare="rate")
def grid_import_energy(s: Sums) -> Outcome | Note:
    """Energy taken from the grid."""
    return Outcome(s.flow_energy("grid_import"))


@REGISTRY.add("distribution", "kWh", "grid", formula="Σ max(-P_grid, 0) · dt", compare="rate")
def grid_export_energy(s: Sums) -> Outcome | Note:
    """Energy delivered over the tie to the grid."""
    return Outcome(s.flow_energy("grid_export"))


@REGISTRY.add(
    "distribution",
    "kW",
    "balance",
    "grid",
    formula="mean of P_pv + P_fuel_cell + P_genset + P_battery + P_grid",
    only_without="load",
)
def auxiliaries_mean(s: Sums) -> Outcome | Note:
    """Mean power that remains on site where no load is measured: the plant's own use."""
    return Outcome(s.sum("net") / s.n)
