"""The summary of a period: every rule's findings, by what they ask of the reader."""

from __future__ import annotations

from collections.abc import Mapping

from microgrid_lib.kpi.registry import FULL_COVERAGE
from microgrid_lib.present.monthly import rules_data, rules_plant
from microgrid_lib.present.monthly.facts import Facts
from microgrid_lib.present.monthly.findings import (
    AREAS,
    RULES,
    TONES,
    Finding,
    Rule,
    Saying,
    Tone,
)
from microgrid_lib.present.texts import Texts

_DECLARING = (rules_plant, rules_data)


def rules() -> tuple[Rule, ...]:
    """All rules, in the order of the summary."""
    return tuple(sorted(RULES.values(), key=lambda one: (AREAS.index(one.area), one.code)))


def find_all(facts: Facts, texts: Texts) -> tuple[Finding, ...]:
    """Apply every rule."""
    return tuple(found for one in rules() for found in one.find(Saying(one, facts, texts)))


def by_tone(findings: tuple[Finding, ...]) -> Mapping[Tone, tuple[Finding, ...]]:
    """Findings by tone, what needs attention first; tones without any are left out."""
    groups = {tone: tuple(f for f in findings if f.tone == tone) for tone in TONES}
    return {tone: found for tone, found in groups.items() if found}


def lead_text(facts: Facts, findings: tuple[Finding, ...], texts: Texts, whole: bool = True) -> str:
    """How many findings of which kind there are, and what couldn't be compared.

    Parameters
    ----------
    whole
        Whether the document has the method, where the thresholds stand.
    """
    counts = {tone: sum(f.tone == tone for f in findings) for tone in TONES}
    said = [texts("monthly.lead", **counts)]
    said.append(texts("monthly.lead.method" if whole else "monthly.lead.brief"))
    shares = [kpi.coverage for kpi in facts.kpis.values() if kpi.coverage is not None]
    earlier = any(one.kpis is not None for one in facts.earlier)
    if earlier and min(shares, default=1.0) < FULL_COVERAGE:
        full, least = (
            f"{texts.share(share)}\N{NO-BREAK SPACE}%" for share in (FULL_COVERAGE, min(shares))
        )
        said.append(texts("monthly.not_compared", full=full, least=least))
    return " ".join(said)
