"""The documents a page offers: a section, a chart, a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo

from microgrid_lib.present.banner import profile_title
from microgrid_lib.present.charts import Chart
from microgrid_lib.present.periods import describe
from microgrid_lib.present.sections import SectionContent, SiteData
from microgrid_lib.present.texts import Texts
from microgrid_lib.report.blocks import Block, Cards, Column, Document, Paragraph, TableBlock
from microgrid_lib.report.figures import figure_block
from microgrid_lib.report.typeset import offset_text, to_pdf
from microgrid_lib.window import Window

_NBSP = "\N{NO-BREAK SPACE}"
_MANY_COLUMNS = 8
_LONE_HEIGHT_IN = 3.4


@dataclass(frozen=True)
class About:
    """What a document is about: the lines below its title.

    Attributes
    ----------
    site, profile
        Their titles; may be empty.
    window
        None where it isn't about a period.
    synthetic
        Whether its numbers are of made-up demo data.
    zone
        In which the time of making it is shown; default: the window's, else UTC.
    """

    site: str = ""
    profile: str = ""
    window: Window | None = None
    synthetic: bool = False
    zone: tzinfo | None = None


def about(data: SiteData, window: Window | None, texts: Texts) -> About:
    """Say what a site's data are; `window` is the period looked at."""
    site, profile = data.site, data.profile
    return About(
        site=site.title,
        profile=profile_title(site.name, profile.name, profile.spec.title, texts),
        window=window,
        synthetic=data.synthetic,
        zone=site.display_zone,
    )


def section_pdf(
    name: str,
    content: SectionContent,
    what: About,
    texts: Texts,
    *,
    generated: datetime | None = None,
) -> bytes:
    """A section of the dashboard: its cards as a table, its charts.

    Parameters
    ----------
    name
        Name of the section; its title is the message `section.<name>`.
    content
        As `present.sections.prepare_section` gives it: the numbers are those of the page.
    generated
        When it was made; default: now.

    Raises
    ------
    ReportError
        A package for it is missing.
    """
    passage = numbers_passage(content, texts)
    return passages_pdf(texts(f"section.{name}"), [passage], what, texts, generated=generated)


@dataclass(frozen=True)
class Passage:
    """What a part of a page gives to a document.

    Attributes
    ----------
    coverage
        Of the numbers in it (0-1).
    """

    blocks: tuple[Block, ...]
    coverage: tuple[float, ...] = ()


def numbers_passage(content: SectionContent, texts: Texts) -> Passage:
    """Cards as a table, and charts.

    Raises
    ------
    ReportError
        matplotlib isn't installed.
    """
    blocks: list[Block] = [Cards(content.cards)] if content.cards else []
    if content.missing:
        blocks.append(Paragraph(content.missing, "note"))
    blocks += [figure_block(chart, texts) for chart in content.charts]
    shares = [c.coverage_share for c in content.cards] + [c.coverage for c in content.charts]
    return Passage(tuple(blocks), tuple(share for share in shares if share is not None))


def passages_pdf(
    title: str,
    passages: Sequence[Passage],
    what: About,
    texts: Texts,
    *,
    generated: datetime | None = None,
) -> bytes:
    """Make a document of what the parts of a page give.

    Raises
    ------
    ReportError
        A package for it is missing.
    """
    blocks = [block for passage in passages for block in passage.blocks]
    shares = [share for passage in passages for share in passage.coverage]
    return to_pdf(_document(title, blocks, what, texts, shares, generated), texts)


def chart_pdf(
    chart: Chart, what: About, texts: Texts, *, generated: datetime | None = None
) -> bytes:
    """One chart, such as the stretch of it that is looked at; the period is the chart's own.

    Raises
    ------
    ReportError
        A package for it is missing.
    """
    what = replace(what, window=chart.window)
    shares = [] if chart.coverage is None else [chart.coverage]
    block = replace(figure_block(chart, texts, height_in=_LONE_HEIGHT_IN), title="")
    document = _document(chart.title, [block], what, texts, shares, generated)
    return to_pdf(document, texts)


def table_pdf(
    title: str,
    columns: Sequence[Column],
    rows: Sequence[Sequence[str]],
    what: About,
    texts: Texts,
    *,
    note: str = "",
    generated: datetime | None = None,
) -> bytes:
    """One table, such as the filtered list of consumers; more than 8 columns: pages lie.

    Parameters
    ----------
    rows
        Cells as text, in the reader's language; any text is safe.
    note
        A line above the table, such as the filter and how many rows it leaves.

    Raises
    ------
    ReportError
        A package for it is missing.
    ValueError
        A row isn't as long as `columns`.
    """
    table = TableBlock(tuple(columns), tuple(tuple(row) for row in rows))
    blocks: list[Block] = [Paragraph(note, "note"), table] if note else [table]
    landscape = len(columns) > _MANY_COLUMNS
    return to_pdf(_document(title, blocks, what, texts, [], generated, landscape), texts)


def facts(what: About, texts: Texts, shares: Sequence[float] = ()) -> tuple[tuple[str, str], ...]:
    """The lines below a title: site, profile, period in words with its zone, coverage.

    Parameters
    ----------
    shares
        Coverage of the numbers shown (0-1).
    """
    lines = [("report.site", what.site), ("report.profile", what.profile)]
    if what.window is not None:
        lines.append(("report.period", period_text(what.window, texts)))
    named = tuple((texts(key), text) for key, text in lines if text)
    return (*named, *coverage_fact(shares, texts))


def coverage_fact(shares: Sequence[float], texts: Texts) -> tuple[tuple[str, str], ...]:
    """The line on least and greatest coverage (0-1); none where there are no numbers."""
    if not shares:
        return ()
    low, high = (f"{texts.share(share)}{_NBSP}%" for share in (min(shares), max(shares)))
    span = low if low == high else texts("report.between", low=low, high=high)
    return ((texts("report.coverage"), span),)


def period_text(window: Window, texts: Texts) -> str:
    """A window in words, with its time zone: `Jul 2022 (America/Denver, UTC−06:00)`."""
    offsets = dict.fromkeys(offset_text(moment) for moment in (window.start, window.end))
    name = getattr(window.start.tzinfo, "key", "")
    zone = ", ".join(part for part in (name, " / ".join(offsets)) if part)
    return f"{describe(window, texts)} ({zone})"


def _document(
    title: str,
    blocks: Sequence[Block],
    what: About,
    texts: Texts,
    shares: Sequence[float],
    generated: datetime | None,
    landscape: bool = False,
) -> Document:
    zone = what.zone or (what.window.start.tzinfo if what.window else None) or UTC
    return Document(
        title=title,
        blocks=tuple(blocks),
        facts=facts(what, texts, shares),
        label=texts("report.synthetic") if what.synthetic else "",
        generated=(generated or datetime.now(UTC)).astimezone(zone),
        landscape=landscape,
    )
