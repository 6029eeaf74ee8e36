"""Rules on what the plant did: production, storage, consumption."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from microgrid_lib.kpi.model import Kpi
from microgrid_lib.present.monthly.findings import (
    NBSP,
    Finding,
    Saying,
    Tone,
    judged_by_season,
    rule,
)
from microgrid_lib.window import elapsed

SHORTEST_JUDGED = timedelta(days=6, hours=23)
"""A week, of which a change of summer time may have taken an hour."""


def trend(say: Saying, name: str) -> Iterator[Finding]:
    """A KPI, compared with earlier periods; judged against the same season alone."""

    def tell(kpi: Kpi, _: float) -> tuple[Tone, str]:
        when = f" ({say.texts.moment(kpi.time)})" if kpi.time else ""
        said = _plain(say, name, kpi, when=when)
        compared = say.facts.compared(name)
        # From day to day the weather and who is at work make all the difference.
        short = elapsed(say.facts.window.start, say.facts.until) < SHORTEST_JUDGED
        tone = "record" if short else judged_by_season(name, compared, say.limit("change"))
        return tone, said + say.comparisons(name, kpi)

    yield from say.about(name, tell)


@rule("P1", "production", change=0.05)
def pv(say: Saying) -> Iterator[Finding]:
    """PV energy."""
    yield from trend(say, "pv_energy")


@rule("P2", "production", change=0.02)
def renewable(say: Saying) -> Iterator[Finding]:
    """Renewable share."""
    yield from trend(say, "renewable_share")


@rule("P3", "production", well=0.95, bad=0.90)
def fuel_cell(say: Saying) -> Iterator[Finding]:
    """How reliably the fuel cell followed its set point."""
    name = "fuel_cell_reliability"

    def tell(kpi: Kpi, value: float) -> tuple[Tone, str]:
        tone = _level(value, say.limit("well"), say.limit("bad"))
        return tone, _plain(say, name, kpi) + say.comparisons(name, kpi)

    yield from say.about(name, tell)


@rule("P4", "production", well=0.05, bad=0.10)
def tracking(say: Saying) -> Iterator[Finding]:
    """How far battery and fuel cell were from their set points, against rated power."""
    ratings = say.facts.site.ratings
    yield from _tracking(say, "battery_tracking_rmse", ratings.battery_kw)
    yield from _tracking(say, "fuel_cell_tracking_rmse", ratings.fuel_cell_kw)


def _tracking(say: Saying, name: str, rated_kw: float | None) -> Iterator[Finding]:
    def tell(kpi: Kpi, value: float) -> tuple[Tone, str]:
        if rated_kw is None:
            return "record", _plain(say, name, kpi)
        tone = _level(-value / rated_kw, -say.limit("well"), -say.limit("bad"))
        share = f"{say.texts.number(100 * value / rated_kw, 1)}{NBSP}%"
        return tone, _plain(say, name, kpi, ".rated", share=share)

    yield from say.about(name, tell)


@rule("S1", "storage")
def efficiency(say: Saying) -> Iterator[Finding]:
    """Round-trip efficiency, against what the site file assumes."""
    name, battery = "battery_round_trip_efficiency", say.facts.site.battery
    assumed = battery.eta_charge * battery.eta_discharge

    def tell(kpi: Kpi, value: float) -> tuple[Tone, str]:
        enough = value + (kpi.uncertainty or 0.0) >= assumed - 1e-12
        percent = f"{say.texts.number(100 * assumed, 1)}{NBSP}%"
        said = _plain(say, name, kpi, assumed=percent) + say.comparisons(name, kpi)
        return "well" if enough else "attention", said

    yield from say.about(name, tell)


@rule("S2", "storage")
def charge(say: Saying) -> Iterator[Finding]:
    """State of charge at the end, against the least that is usable."""
    battery = say.facts.site.battery

    def tell(kpi: Kpi, value: float) -> tuple[Tone, str]:
        spread = kpi.uncertainty or 0.0
        tone: Tone = "record"
        if value + spread < battery.soc_min:
            tone = "attention"
        elif value - spread >= battery.soc_min:
            tone = "well"
        least = f"{say.texts.number(100 * battery.soc_min)}{NBSP}%"
        said = _plain(say, "soc", kpi, least=least)
        if kpi.warning is not None:
            said += f" {say.texts('monthly.beware', what=say.texts.note(kpi.warning))}"
        return tone, said

    yield from say.about("soc", tell)


@rule("S3", "storage")
def cycles(say: Saying) -> Iterator[Finding]:
    """How much the battery was used; never judged."""
    yield from _recorded(say, "equivalent_cycles")


@rule("D1", "distribution", change=0.05)
def self_sufficiency(say: Saying) -> Iterator[Finding]:
    """Share of the load met without the grid; below zero always needs attention."""
    kpi = say.facts.kpi("self_sufficiency")
    for found in trend(say, "self_sufficiency"):
        below = kpi is not None and kpi.value is not None and kpi.value < 0
        yield say.finding("attention", found.text) if below else found


@rule("D2", "distribution", change=0.10)
def peaks(say: Saying) -> Iterator[Finding]:
    """Highest quarter hours of load and import."""
    for name in ("peak_load", "peak_import"):
        yield from trend(say, name)


@rule("D3", "distribution")
def exchange(say: Saying) -> Iterator[Finding]:
    """Energy over the tie; never judged."""
    for name in ("grid_import_energy", "grid_export_energy"):
        yield from _recorded(say, name)


def _recorded(say: Saying, name: str) -> Iterator[Finding]:
    yield from say.about(name, lambda kpi, _: ("record", f"{_plain(say, name, kpi)}."))


def _plain(say: Saying, name: str, kpi: Kpi, form: str = "", **more: str) -> str:
    """The sentence on a KPI, in one of its forms, with value and coverage; not ended."""
    value, covered = say.value(name, kpi), say.covered(kpi)
    return say.texts(f"monthly.say.{name}{form}", value=value, covered=covered, **more)


def _level(value: float, well: float, bad: float) -> Tone:
    """Judge a value of which more is better; limits belong to the better side."""
    if value >= well - 1e-12:
        return "well"
    return "record" if value >= bad - 1e-12 else "attention"
