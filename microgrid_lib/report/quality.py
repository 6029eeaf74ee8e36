"""Grid quality on paper: cards, charts, excursions, verdicts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from microgrid_lib.present.quality import ComplianceTable, ExcursionRow, QualityContent
from microgrid_lib.present.texts import Texts
from microgrid_lib.report.blocks import Block, Column, Paragraph, TableBlock
from microgrid_lib.report.pages import Passage, numbers_passage


def quality_passage(content: QualityContent, texts: Texts) -> Passage:
    """What the page shows of grid quality as measured.

    Raises
    ------
    ReportError
        matplotlib isn't installed.
    """
    numbers = numbers_passage(content.numbers, texts)
    blocks: list[Block] = [*numbers.blocks]
    if content.excursions:
        blocks.append(excursions_block(content.excursions, texts))
    blocks.append(compliance_block(content.compliance, texts))
    blocks += [Paragraph(line, "note") for line in content.compliance.unseen]
    return replace(numbers, blocks=tuple(blocks))


def compliance_block(table: ComplianceTable, texts: Texts, level: int = 2) -> TableBlock:
    """Verdicts as a table."""
    heads = ("rule", "point", "limits", "n", "n1", "n2", "invalid", "share", "verdict")
    words, wide = {"rule", "point", "limits", "verdict"}, {"rule", "limits"}
    columns = tuple(
        Column(texts("quality.head." + head), "left" if head in words else "right", head in wide)
        for head in heads
    )
    rows = tuple(
        (
            row.rule, row.point, _unbroken(row.limits), row.n, row.n1, row.n2, row.n_invalid,
            row.share, row.verdict.word,
        )
        for row in table.rules
    )  # fmt: skip
    said = f"{table.headline} {table.islands} {table.counted}"
    return TableBlock(columns, rows, texts("quality.compliance"), said, level)


def trips_block(table: ComplianceTable, texts: Texts, level: int = 2) -> TableBlock:
    """Default trips as a table."""
    heads = ("trip", "point", "threshold", "clearing", "beyond", "longest", "verdict")
    words = {"trip", "point", "verdict"}
    return TableBlock(
        tuple(
            Column(
                texts("quality.head." + head), "left" if head in words else "right", head == "point"
            )
            for head in heads
        ),
        tuple(
            (t.function, t.point, t.threshold, t.clearing, t.beyond, t.longest, t.verdict.word)
            for t in table.trips
        ),
        texts("quality.trips"),
        level=level,
    )


def excursions_block(
    excursions: Sequence[ExcursionRow], texts: Texts, level: int = 2
) -> TableBlock:
    """Excursions as a table."""
    heads = ("start", "duration", "point", "extreme", "limit")
    return TableBlock(
        tuple(Column(texts("excursions.head." + head), wide=head == "limit") for head in heads),
        tuple((e.start, e.duration, e.point, e.extreme, e.limit) for e in excursions),
        texts("excursions.title"),
        level=level,
    )


def _unbroken(limits: str) -> str:
    """Keep a unit beside its number."""
    return re.sub(r"(?<=[0-9]) (?=[VH])", "\N{NO-BREAK SPACE}", limits)
