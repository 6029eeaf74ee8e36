"""What the Grid quality section shows as measured: cards, charts, verdicts, excursions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from microgrid_lib.kpi.compliance import ComplianceReport, RuleResult, TripResult
from microgrid_lib.kpi.excursions import FREQUENCIES, VOLTAGES, Excursion
from microgrid_lib.present.charts import ChartSpec, LineSpec
from microgrid_lib.present.sections import CardSpec, SectionContent, SectionSpec, SiteData
from microgrid_lib.present.sections import prepare_section as prepare_numbers
from microgrid_lib.present.texts import Texts
from microgrid_lib.site.profile import Profile
from microgrid_lib.window import Window, elapsed

MARKS = {"pass": "✓", "fail": "✕", "indicative": "≈", "not observable": "–", "": "–"}
"""A verdict's sign; its word stands beside it."""
_LEAST_MARGIN = timedelta(minutes=5)
_DECIMALS = {"V": 1, "Hz": 3}

QUALITY = SectionSpec(
    kpis=("quality",),
    cards=(
        CardSpec("voltage_compliance", role="bus_voltage", lead=True),
        CardSpec("frequency_compliance", role="bus_frequency", lead=True),
        CardSpec("mean_bus_voltage", "bus_voltage", "bus_voltage", "grid", lead=True),
        CardSpec("mean_bus_frequency", "bus_frequency", "bus_frequency", "grid", lead=True),
        CardSpec("max_voltage_gap", role="mccb_voltage", lead=True),
    ),
    charts=(
        ChartSpec(
            "quality_voltage",
            "V",
            (
                LineSpec("bus_voltage", "grid", "line.bus"),
                LineSpec("mccb_voltage", "battery", "line.mccb"),
                LineSpec("receiving_voltage", "genset", "line.receiving"),
            ),
            limits="voltage",
            islands=True,
        ),
        ChartSpec(
            "quality_frequency",
            "Hz",
            (
                LineSpec("bus_frequency", "grid", "line.bus"),
                LineSpec("mccb_frequency", "battery", "line.mccb"),
            ),
            limits="frequency",
            islands=True,
        ),
    ),
)


class QualityData(SiteData, Protocol):
    """What the section asks of the library; `microgrid_lib.api.SiteData` is one."""

    def compliance(self, window: Window) -> ComplianceReport:
        """Grid quality against the rules."""

    def excursions(self, window: Window) -> Sequence[Excursion]:
        """Runs of samples outside the site's limits."""


@dataclass(frozen=True)
class Verdict:
    """A verdict as shown: its name (empty: none), sign, word, and why it is no better."""

    name: str
    mark: str
    word: str
    reason: str = ""


@dataclass(frozen=True)
class RuleRow:
    """A rule at a measured point.

    Attributes
    ----------
    what
        What is compared, over which period, how much must lie inside.
    limits
        Inner range, and the outer one where there is one.
    n, n1, n2, n_invalid, share
        See `kpi.compliance.RuleResult`; as text.
    """

    rule: str
    what: str
    point: str
    limits: str
    n: str
    n1: str
    n2: str
    n_invalid: str
    share: str
    verdict: Verdict


@dataclass(frozen=True)
class TripRow:
    """A default trip at a measured point; as text."""

    function: str
    point: str
    threshold: str
    clearing: str
    beyond: str
    longest: str
    verdict: Verdict


@dataclass(frozen=True)
class ComplianceTable:
    """Verdicts, ready to be drawn.

    Attributes
    ----------
    headline
        How many verdicts of which kind.
    islands
        How islands are told.
    counted
        What N, N1, N2 and invalid mean.
    unseen
        What the samples can't show, a sentence each.
    """

    headline: str
    rules: tuple[RuleRow, ...]
    trips: tuple[TripRow, ...]
    islands: str
    counted: str
    unseen: tuple[str, ...]


@dataclass(frozen=True)
class ExcursionRow:
    """An excursion: its texts, and the stretch of time that shows it."""

    start: str
    duration: str
    point: str
    extreme: str
    limit: str
    stretch: Window


@dataclass(frozen=True)
class QualityContent:
    """The section, ready to be drawn."""

    numbers: SectionContent
    compliance: ComplianceTable
    excursions: tuple[ExcursionRow, ...]


def measures_quality(profile: Profile) -> bool:
    """Whether any voltage or frequency is measured."""
    return any(profile.has(role) for role in (*VOLTAGES, *FREQUENCIES))


def prepare_quality(
    data: QualityData, window: Window, texts: Texts, against: str = ""
) -> QualityContent:
    """Ask for the section's numbers, verdicts and excursions.

    Parameters
    ----------
    against
        What changes are against, in words.

    Raises
    ------
    NoDataError
        There is no data in the window.
    """
    return QualityContent(
        prepare_numbers(QUALITY, data, window, texts, against),
        compliance_table(data.compliance(window), texts),
        excursion_rows(data.excursions(window), window, texts),
    )


def compliance_table(report: ComplianceReport, texts: Texts) -> ComplianceTable:
    """Write a report's verdicts."""
    rules = tuple(_rule(result, texts) for result in report.rules)
    counts = {
        name: sum(row.verdict.name == name for row in rules)
        for name in ("pass", "fail", "indicative")
    }
    return ComplianceTable(
        headline=texts(
            "quality.headline",
            passed=counts["pass"],
            failed=counts["fail"],
            indicative=counts["indicative"],
            unjudged=len(rules) - sum(counts.values()),
        ),
        rules=rules,
        trips=tuple(_trip(result, texts) for result in report.trips),
        islands=texts("quality.islands.told" if report.island_method else "quality.islands.not"),
        counted=texts("quality.counted"),
        unseen=tuple(texts.note(note) for note in report.not_observable),
    )


def verdict(name: str | None, texts: Texts, reason: str = "") -> Verdict:
    """Write a verdict; none is one too."""
    known = name or ""
    word = texts(f"verdict.{known.replace(' ', '_') or 'none'}")
    return Verdict(known, MARKS[known], word, reason)


def excursion_rows(
    found: Sequence[Excursion], window: Window, texts: Texts
) -> tuple[ExcursionRow, ...]:
    """Write excursions, each with a stretch of time around it that lies in the window."""
    rows = []
    for one in found:
        lasted = elapsed(one.start, one.end)
        margin = max(_LEAST_MARGIN, lasted)
        stretch = window.clip(one.start - margin, one.end + margin)
        if stretch is None:
            continue
        decimals = _DECIMALS[one.unit]
        rows.append(
            ExcursionRow(
                start=texts.moment(one.start, seconds=True),
                duration=duration_text(lasted.total_seconds(), texts),
                point=texts(f"role.{one.point}"),
                extreme=f"{texts.number(one.extreme, decimals)} {one.unit}",
                limit=texts(
                    f"excursion.{one.direction}",
                    threshold=f"{texts.number(one.threshold, decimals)} {one.unit}",
                    limit=texts(f"excursion.{one.limit}"),
                ),
                stretch=stretch,
            )
        )
    return tuple(rows)


def duration_text(seconds: float, texts: Texts) -> str:
    """Write a length of time with its two largest units, such as `5 min 40 s`."""
    left = round(seconds)
    parts = []
    for length, unit in ((3600, "unit.hour"), (60, "unit.minute"), (1, "unit.second")):
        count, left = divmod(left, length)
        if count:
            parts.append(f"{count}\N{NO-BREAK SPACE}{texts(unit)}")
    return " ".join(parts[:2]) or f"0\N{NO-BREAK SPACE}{texts('unit.second')}"


def _rule(result: RuleResult, texts: Texts) -> RuleRow:
    inner = _range(result.inner, result.unit, texts)
    limits = inner
    if result.outer is not None:
        outer = _range(result.outer, result.unit, texts)
        limits = texts("quality.limits", inner=inner, outer=outer)
    share = "–"
    if result.share_inside is not None:
        share = f"{texts.share(result.share_inside, 2)}\N{NO-BREAK SPACE}%"
    reason = texts.note(result.reason) if result.reason else ""
    return RuleRow(
        rule=texts(f"rule.{result.rule}"),
        what=texts(f"rule.{result.rule}.what"),
        point=texts(f"role.{result.point}"),
        limits=limits,
        n=texts.number(result.n),
        n1=texts.number(result.n1),
        n2="–" if result.n2 is None else texts.number(result.n2),
        n_invalid=texts.number(result.n_invalid),
        share=share,
        verdict=verdict(result.verdict, texts, reason),
    )


def _trip(result: TripResult, texts: Texts) -> TripRow:
    return TripRow(
        function=result.function,
        point=texts(f"role.{result.point}"),
        threshold=f"{texts.number(result.threshold, 1)} {result.unit}",
        clearing=f"{texts.number(result.clearing_s, 0 if result.clearing_s >= 1 else 2)} s",
        beyond=texts.number(result.beyond),
        longest=duration_text(result.longest_s, texts) if result.beyond else "–",
        verdict=verdict(result.verdict, texts),
    )


def _range(limits: tuple[float, float], unit: str, texts: Texts) -> str:
    low, high = (texts.number(value, _DECIMALS[unit] if unit == "V" else 1) for value in limits)
    return f"{low}–{high} {unit}"
