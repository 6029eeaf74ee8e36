"""Grid quality on paper: cards, charts, excursions, verdicts."""

from __future__ import annotations

from dataclasses import replace

from microgrid_lib.present.quality import QualityContent
from microgrid_lib.present.texts import Texts
from microgrid_lib.report.blocks import Column, Paragraph, TableBlock
from microgrid_lib.report.pages import Passage, numbers_passage


def quality_passage(content: QualityContent, texts: Texts) -> Passage:
    """What the page shows of grid quality as measured.

    Raises
    ------
    ReportError
        matplotlib isn't installed.
    """
    numbers = numbers_passage(content.numbers, texts)
    blocks = [*numbers.blocks]
    if content.excursions:
        blocks.append(_excursions(content, texts))
    table = content.compliance
    heads = ("rule", "point", "limits", "n", "n1", "n2", "invalid", "share", "verdict")
    words = {"rule", "point", "limits", "verdict"}
    columns = tuple(
        Column(
            texts("quality.head." + head), "left" if head in words else "right", head == "limits"
        )
        for head in heads
    )
    rows = tuple(
        (
            row.rule, row.point, row.limits, row.n, row.n1, row.n2, row.n_invalid, row.share,
            row.verdict.word,
        )
        for row in table.rules
    )  # fmt: skip
    blocks.append(
        TableBlock(
            columns,
            rows,
            texts("quality.compliance"),
            f"{table.headline} {table.islands} {table.counted}",
        )
    )
    blocks += [Paragraph(line, "note") for line in table.unseen]
    return replace(numbers, blocks=tuple(blocks))


def _excursions(content: QualityContent, texts: Texts) -> TableBlock:
    heads = ("start", "duration", "point", "extreme", "limit")
    return TableBlock(
        tuple(Column(texts("excursions.head." + head), wide=head == "limit") for head in heads),
        tuple((e.start, e.duration, e.point, e.extreme, e.limit) for e in content.excursions),
        texts("excursions.title"),
    )
