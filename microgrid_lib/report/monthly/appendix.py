"""The method: rules of the summary, definitions of the indicators, versions."""

from __future__ import annotations

import platform
from importlib.metadata import version

import microgrid_lib
from microgrid_lib.kpi.registry import Definition
from microgrid_lib.present.monthly.facts import Facts
from microgrid_lib.present.monthly.summary import rules
from microgrid_lib.present.texts import Texts
from microgrid_lib.report.blocks import Block, Column, Heading, Paragraph, TableBlock
from microgrid_lib.report.pages import Passage

_MADE_WITH = ("duckdb", "numpy", "pandas", "matplotlib", "typst")


def appendix_passage(facts: Facts, texts: Texts) -> Passage:
    """How the numbers and the words of the report were made."""
    rows = tuple((one.code, one.meaning(texts)) for one in rules())
    blocks: list[Block] = [
        Heading(texts("monthly.appendix")),
        Paragraph(texts("monthly.appendix.general")),
        TableBlock(
            (
                Column(texts("monthly.head.rule")),
                Column(texts("monthly.head.finding"), wide=True),
            ),
            rows,
            texts("monthly.appendix.rules"),
            level=3,
        ),
        TableBlock(
            (
                Column(texts("monthly.head.kpi")),
                Column(texts("monthly.head.definition"), wide=True),
                Column(texts("monthly.head.formula"), wide=True),
                Column(texts("monthly.head.unit")),
            ),
            tuple(
                definition_row(definition, texts)
                for name, definition in facts.definitions.items()
                if facts.kpi(name) is not None
            ),
            texts("monthly.appendix.kpis"),
            level=3,
        ),
        Paragraph(texts("monthly.appendix.versions", what=versions_text()), "note"),
    ]
    return Passage(tuple(blocks))


def definition_row(definition: Definition, texts: Texts) -> tuple[str, str, str, str]:
    """Name, definition, formula and unit of a KPI."""
    name = definition.name
    title = f"kpi.{name}"
    formula = f"formula.{name}"
    return (
        texts(title) if texts.has(title) else name.replace("_", " "),
        texts(f"definition.{name}"),
        texts(formula) if texts.has(formula) else definition.formula,
        "%" if definition.unit == "1" and name != "equivalent_cycles" else definition.unit,
    )


def versions_text() -> str:
    """What the report was made with."""
    parts = [f"{name} {version(name)}" for name in _MADE_WITH]
    own = f"Microgrid Monitoring {microgrid_lib.__version__}"
    return ", ".join((own, f"Python {platform.python_version()}", *parts))
