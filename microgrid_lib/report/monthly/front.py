"""The first page: what a report is about, and the summary by its rules."""

from __future__ import annotations

import hashlib

import microgrid_lib
from microgrid_lib.present.monthly.facts import Facts
from microgrid_lib.present.monthly.summary import by_tone, find_all, lead_text
from microgrid_lib.present.texts import Texts
from microgrid_lib.report.blocks import Block, Column, Heading, Paragraph, TableBlock
from microgrid_lib.report.pages import Passage

_HASH_DIGITS = 16


def data_hash(facts: Facts) -> str:
    """SHA-256 over names and contents of the files with data of the period, 16 hex digits."""
    lines = sorted(f"{entry.file}:{entry.sha256}" for entry in facts.days.files)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:_HASH_DIGITS]


def fact_lines(facts: Facts, version: int, texts: Texts) -> tuple[tuple[str, str], ...]:
    """Lines below the title, besides site, profile and period.

    Parameters
    ----------
    version
        Of the store.
    """
    names = [earlier.name(texts) for earlier in facts.earlier]
    data = texts(
        "monthly.fact.data.what",
        version=version,
        files=len(facts.days.files),
        hash=data_hash(facts),
    )
    return (
        (texts("monthly.fact.compared"), texts("monthly.and", first=names[0], second=names[1])),
        (texts("monthly.fact.software"), f"Microgrid Monitoring {microgrid_lib.__version__}"),
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
    if facts.synthetic:
        blocks.append(Paragraph(texts("monthly.demo"), "warning"))
    if facts.until < facts.window.end:
        moment = texts.moment(facts.until)
        blocks.append(Paragraph(texts("monthly.not_over", moment=moment), "warning"))
    blocks += [Heading(texts("monthly.summary")), Paragraph(lead_text(findings, texts))]
    for tone, group in by_tone(findings).items():
        if only is not None and tone not in only:
            continue
        blocks.append(
            TableBlock(
                columns=(
                    Column(texts("monthly.head.area")),
                    Column(texts("monthly.head.finding"), wide=True),
                    Column(texts("monthly.head.rule")),
                ),
                rows=tuple(
                    (texts(f"monthly.area.{found.area}"), found.text, found.rule)
                    for found in group
                ),
                title=texts(f"monthly.tone.{tone}"),
                level=3,
            )
        )
    return Passage(tuple(blocks))
