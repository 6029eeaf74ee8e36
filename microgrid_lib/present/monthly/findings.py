"""Findings: sentences made of numbers by rules with stated thresholds; nothing else judges."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from microgrid_lib.kpi.model import Kpi
from microgrid_lib.kpi.registry import FULL_COVERAGE
from microgrid_lib.present.cards import (
    HIGHER_IS_BETTER,
    LOWER_IS_BETTER,
    change_amount,
    kpi_quantity,
)
from microgrid_lib.present.monthly.earlier import Compared
from microgrid_lib.present.monthly.facts import Facts
from microgrid_lib.present.texts import Texts

Tone = Literal["well", "attention", "record", "unjudged"]
TONES: tuple[Tone, ...] = ("attention", "well", "record", "unjudged")
Area = Literal["production", "storage", "distribution", "quality", "alerts", "data", "forecast"]
AREAS: tuple[Area, ...] = get_args(Area)
NBSP = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True)
class Finding:
    """A sentence of the summary.

    Attributes
    ----------
    rule
        Code of the rule it is by.
    area
        What it is about.
    tone
        `well`, `attention`, `record` (no threshold speaks on it) or `unjudged` (not known).
    """

    rule: str
    area: Area
    tone: Tone
    text: str


@dataclass(frozen=True)
class Rule:
    """A rule of the summary.

    Attributes
    ----------
    limits
        Its thresholds by name, as its description names them.
    find
        Gives its findings: none where the site has nothing for it.
    """

    code: str
    area: Area
    limits: Mapping[str, float]
    find: Callable[[Saying], Iterator[Finding]]

    def meaning(self, texts: Texts) -> str:
        """What it says when, with its thresholds."""
        points = {f"{name}_points": 100 * share for name, share in self.limits.items()}
        return texts(f"monthly.rule.{self.code.lower()}", **self.limits, **points)


RULES: dict[str, Rule] = {}
"""All rules by code, in the order of the summary."""


def rule(
    code: str, area: Area, **limits: float
) -> Callable[[Callable[[Saying], Iterator[Finding]]], Callable[[Saying], Iterator[Finding]]]:
    """Declare a rule."""

    def declare(
        find: Callable[[Saying], Iterator[Finding]],
    ) -> Callable[[Saying], Iterator[Finding]]:
        if code in RULES:
            raise ValueError(f"there are two rules {code}")
        RULES[code] = Rule(code, area, limits, find)
        return find

    return declare


@dataclass(frozen=True)
class Saying:
    """What a rule works with: the facts, its thresholds, and the words for both.

    Attributes
    ----------
    rule, facts, texts
        See above.
    """

    rule: Rule
    facts: Facts
    texts: Texts

    def limit(self, name: str) -> float:
        """A threshold."""
        return self.rule.limits[name]

    def finding(self, tone: Tone, text: str) -> Finding:
        """A finding of this rule."""
        return Finding(self.rule.code, self.rule.area, tone, text)

    def value(self, name: str, kpi: Kpi) -> str:
        """A KPI as its card writes it, with its uncertainty."""
        if kpi.value is None:
            raise ValueError(f"{name} has no value")
        value, unit = kpi_quantity(name, kpi.value, kpi.unit, self.texts)
        if kpi.uncertainty is None:
            return f"{value}{NBSP}{unit}"
        spread, _ = self.texts.quantity(kpi.uncertainty, kpi.unit)
        return f"{value}{NBSP}±{NBSP}{spread}{NBSP}{unit}"

    def percent(self, share: float) -> str:
        """A share as per cent, cut."""
        return f"{self.texts.share(share)}{NBSP}%"

    def covered(self, kpi: Kpi) -> str:
        """The coverage of a KPI, in brackets; empty where it has none."""
        if kpi.coverage is None:
            return ""
        return " " + self.texts("monthly.covered", share=self.percent(kpi.coverage))

    def unknown(self, name: str, kpi: Kpi) -> Finding:
        """Say that a KPI has no value, and why."""
        reason = self.texts.note(kpi.reason) if kpi.reason else self.texts("card.undefined")
        said = self.texts("monthly.unknown", name=self.texts(f"kpi.{name}"), reason=reason)
        return self.finding("unjudged", said)

    def about(self, name: str, tell: Callable[[Kpi, float], tuple[Tone, str]]) -> Iterator[Finding]:
        """Say what `tell` makes of a KPI and its value, or why it has none.

        Nothing where the site doesn't have it.
        """
        kpi = self.facts.kpi(name)
        if kpi is not None:
            if kpi.value is None:
                yield self.unknown(name, kpi)
            else:
                yield self.finding(*tell(kpi, kpi.value))

    def comparisons(self, name: str, kpi: Kpi) -> str:
        """End a sentence: compare with the earlier periods, or say why not.

        A period without any data, and what has too few samples of its own, is told once, above
        all findings.
        """
        if kpi.coverage is not None and kpi.coverage < FULL_COVERAGE:
            return "."
        found = [
            compared_text(name, kpi, compared, self.texts)
            for compared in self.facts.compared(name)
            if compared.earlier.kpis is not None
        ]
        return f"{''.join(found)}."


def compared_text(name: str, kpi: Kpi, compared: Compared, texts: Texts) -> str:
    """A comparison as the end of a sentence."""
    period = compared.earlier.name(texts)
    if compared.change is not None and compared.change.value is not None:
        # As fine as the thresholds need: 4.6 % is not 5 %.
        amount = change_amount(kpi, compared.change, texts, decimals=1)
        if compared.change.unit == "1" and amount:
            amount = f"{amount.split(' ')[0]} {texts('monthly.points')}"
        amount = amount.replace(" ", NBSP)
        rate = ".rate" if kpi.unit in {"kWh", "kW"} and compared.change.unit != kpi.unit else ""
        if not amount:
            return texts("monthly.same", period=period)
        way = "more" if compared.change.value > 0 else "less"
        return texts(f"monthly.{way}{rate}", amount=amount, period=period)
    if compared.refused == "coverage":
        share = f"{texts.share(compared.coverage or 0.0)}{NBSP}%"
        return texts("monthly.not_compared.coverage", period=period, share=share)
    return texts(f"monthly.not_compared.{compared.refused or 'not_known'}", period=period)


def judged_by_season(name: str, compared: tuple[Compared, ...], better: float) -> Tone:
    """Judge a change against the same season: `better` is a share, or points of a share (0-1)."""
    for one in compared:
        change = one.change
        if one.earlier.which != "season" or change is None or change.value is None:
            continue
        size = change.value if change.unit == "1" else change.relative
        if size is None or abs(size) < better - 1e-12:
            return "record"
        if name in HIGHER_IS_BETTER:
            return "well" if size > 0 else "attention"
        if name in LOWER_IS_BETTER:
            return "attention" if size > 0 else "well"
    return "record"
