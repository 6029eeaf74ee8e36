"""The first page: what a report is about, and the summary by its rules."""

from __future__ import annotations

from collections.abc import Sequence

import microgrid_lib
from microgrid_lib.present.monthly.facts import Facts
from microgrid_lib.present.monthly.findings import Finding, Tone
from microgrid_lib.present.monthly.summary import by_tone, find_all, lead_text
from microgrid_lib.present.texts import Texts
from microgrid_lib.report.blocks import Block, Column, Heading, Paragraph, TableBlock
from microgrid_lib.report.pages import Passage

_LISTED = frozenset({"attention", "well"})


def fact_lines(
    facts: Facts, version: int, digest: str, texts: Texts
) -> tuple[tuple[str, str], ...]:
    """Lines below the title, besides site, profile and period.

    Parameters
    ----------
    version, digest
        Of the store, and of all that the report rests on.
    """
    periods = [
        earlier.name(texts)
        if earlier.kpis is not None
        else texts("monthly.no_data_then", period=earlier.name(texts))
        for earlier in facts.earlier
    ]
    data = texts(
        "monthly.fact.data.what",
        version=version,
        files=len(facts.days.files),
        digest=digest,
        software=f"Microgrid Monitoring {microgrid_lib.__version__}",
    )
    return (
        (texts("monthly.fact.compared"), texts.listing(periods)),
        (texts("monthly.fact.data"), data),
    )


def summary_passage(facts: Facts, texts: Texts, only: frozenset[str] | None = None) -> Passage:
    """The summary: findings by tone, each with its rule.

    Parameters
    ----------
    only
        Tones to list; default: all.
    """
    findings = find_all(facts, texts)
    blocks: list[Block] = []
    if facts.until < facts.window.end:
        moment = texts.moment(facts.until)
        blocks.append(Paragraph(texts("monthly.not_over", moment=moment), "warning"))
    blocks += [
        Heading(texts("monthly.summary")),
        Paragraph(lead_text(facts, findings, texts, only is None)),
    ]
    for tone, group in by_tone(findings).items():
        if only is not None and tone not in only:
            continue
        blocks += _listed(tone, group, texts) if tone in _LISTED else _told(tone, group, texts)
    return Passage(tuple(blocks))


def _listed(tone: Tone, group: Sequence[Finding], texts: Texts) -> list[Block]:
    """Findings as a table."""
    return [
        TableBlock(
            columns=(
                Column(texts("monthly.head.area")),
                Column(texts("monthly.head.finding"), wide=True),
                Column(texts("monthly.head.rule")),
            ),
            rows=tuple((texts(f"monthly.area.{f.area}"), f.text, f.rule) for f in group),
            title=texts(f"monthly.tone.{tone}"),
            level=3,
        )
    ]


def _told(tone: Tone, group: Sequence[Finding], texts: Texts) -> list[Block]:
    """Findings as running text, a paragraph for each area."""
    said: list[Block] = []
    for area in dict.fromkeys(found.area for found in group):
        mine = [
            texts("monthly.ruled", text=found.text, rule=found.rule)
            for found in group
            if found.area == area
        ]
        name = texts(f"monthly.area.{area}")
        told = texts("monthly.of_area", area=name, texts=" ".join(mine))
        said.append(Paragraph(told, "note"))
    return [Heading(texts(f"monthly.tone.{tone}"), 3), *said]
