"""A simulated day on paper: verdict, charts, metrics, losses, parameters, limits."""

from __future__ import annotations

from collections.abc import Sequence

from microgrid_lib.present.simulation import Pair, simulation_charts
from microgrid_lib.present.simulation_tables import (
    LIMITS_OF_THE_MODEL,
    loss_rows,
    metric_rows,
    setting_rows,
)
from microgrid_lib.present.texts import Texts
from microgrid_lib.report.blocks import Block, Column, Heading, Paragraph, TableBlock
from microgrid_lib.report.figures import figure_block
from microgrid_lib.report.pages import Passage
from microgrid_lib.simulation.contingency import Contingency
from microgrid_lib.site.profile import Site


def simulation_passage(
    pair: Pair, site: Site, texts: Texts, losses: Sequence[Contingency] = ()
) -> Passage:
    """What the page shows of a scenario.

    Raises
    ------
    ReportError
        matplotlib isn't installed.
    """
    result = pair.scenario
    changes = ", ".join(f"{name} {value}" for name, value in result.scenario.changes().items())
    word = texts("simulation.feasible" if result.feasible else "simulation.infeasible")
    label = result.day.label
    averaged = texts("simulation.average_of", days=label.replace("/", " – "))
    blocks: list[Block] = [
        *([Paragraph(averaged)] if "/" in label else []),
        Paragraph(f"{word}. {changes or texts('simulation.nothing_changed')}"),
        *(Paragraph(texts.note(note), "note") for note in result.warnings),
    ]
    charts = simulation_charts(pair, site, texts).values()
    blocks += [figure_block(chart, texts) for chart in charts if not chart.empty]
    metrics = [
        (row.label, row.base, row.scenario, row.difference, row.limit)
        for row in metric_rows(pair, texts)
    ]
    heads = ("metric", "base", "scenario", "difference", "limit")
    blocks.append(_table(heads, metrics, "simulation.metrics", texts))
    if losses:
        rows = [
            (row.lost, row.survives, row.unserved, row.shed, row.imported, row.peak, row.nadir)
            for row in loss_rows(losses, texts)
        ]
        names = ("lost", "survives", "unserved", "shed", "import", "peak", "nadir")
        blocks.append(_table(names, rows, "simulation.losses", texts))
    settings = [(row.name, row.value, row.source) for row in setting_rows(result.plant, texts)]
    parts = ("parameter", "value", "source")
    blocks.append(_table(parts, settings, "simulation.parameters", texts))
    blocks.append(Heading(texts("simulation.limits")))
    blocks += [Paragraph(texts(f"simulation.limit.{name}"), "note") for name in LIMITS_OF_THE_MODEL]
    return Passage(tuple(blocks), (result.day.coverage,))


def _table(
    heads: Sequence[str], rows: Sequence[tuple[str, ...]], title: str, texts: Texts
) -> TableBlock:
    columns = tuple(
        Column(texts(f"simulation.head.{head}"), "left" if index == 0 else "right", index == 0)
        for index, head in enumerate(heads)
    )
    return TableBlock(columns, tuple(rows), texts(title))
