"""The dashboard's sections as passages of a document, from the library's numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from microgrid_lib.errors import NoDataError, UnknownNameError
from microgrid_lib.present.alerts import alert_rows
from microgrid_lib.present.consumers import filter_text, printed_table, total_cards, totals_text
from microgrid_lib.present.distribution import DistributionContent, prepare_distribution
from microgrid_lib.present.overview import OverviewContent, prepare_overview
from microgrid_lib.present.production import PRODUCTION
from microgrid_lib.present.quality import measures_quality, prepare_quality
from microgrid_lib.present.sections import SectionContent, prepare_section
from microgrid_lib.present.storage import prepare_storage
from microgrid_lib.present.texts import Texts
from microgrid_lib.report.alerts import history_blocks
from microgrid_lib.report.blocks import Column, Heading, Paragraph, TableBlock
from microgrid_lib.report.pages import Passage, numbers_passage
from microgrid_lib.report.pictures import picture_block
from microgrid_lib.report.quality import quality_passage
from microgrid_lib.report.storage import storage_passage
from microgrid_lib.window import Window

if TYPE_CHECKING:
    from microgrid_lib.api import SiteData

_Write = Callable[["SiteData", Window, Texts, str], Passage]


def section_passage(
    name: str, data: SiteData, window: Window, texts: Texts, against: str
) -> Passage:
    """What a section of the dashboard shows of a period.

    Parameters
    ----------
    against
        What changes are against, in words.

    Raises
    ------
    UnknownNameError
        There is no such section.
    NoDataError
        There are no data in the period, or none of this kind.
    """
    if name not in _WRITERS:
        raise UnknownNameError("section", name, list(_WRITERS))
    return _WRITERS[name](data, window, texts, against)


def alerts_of_period(data: SiteData, window: Window, texts: Texts) -> Passage:
    """The alerts that lasted for some of a period."""
    return Passage(history_blocks(alert_rows(data, window, texts), texts))


def consumers_passage(data: SiteData, texts: Texts) -> Passage:
    """The totals of a site's consumers by type, then the list of them.

    Raises
    ------
    StoreError
        Their database can't be read.
    """
    from microgrid_lib.consumers.query import ConsumerQuery
    from microgrid_lib.consumers.store import ConsumerStore

    query = ConsumerQuery(site=data.site.name)
    with ConsumerStore.open(data.settings) as store:
        totals = total_cards(store.totals(query), texts)
        if not totals[0].count:
            return Passage((Paragraph(texts("monthly.consumers.none")),))
        table = TableBlock(
            (
                Column(texts("monthly.consumers.type"), wide=True),
                Column(texts("monthly.consumers.number"), "right"),
                Column(texts("monthly.consumers.power"), "right"),
            ),
            tuple((card.title, card.count_text, card.power_text) for card in totals),
        )
        heading = Heading(texts("monthly.consumers"))
        return Passage((table, heading, *consumer_list(store, query, texts, told=True).blocks))


def consumer_list(store: Any, query: Any, texts: Texts, *, told: bool = False) -> Passage:
    """A filtered list of consumers: the filter and totals in words, then the table.

    Parameters
    ----------
    store, query
        A `consumers.store.ConsumerStore`, and the `ConsumerQuery` it is asked.
    told
        Whether the totals stand elsewhere already.
    """
    headings, rows, numeric = printed_table(store.select(query), texts)
    columns = tuple(
        Column(title, "right" if number in numeric else "left")
        for number, title in enumerate(headings)
    )
    note = filter_text(query, texts)
    if not told:
        note = f"{note} {totals_text(store.totals(query), texts)}"
    return Passage((Paragraph(note, "note"), TableBlock(columns, tuple(map(tuple, rows)))))


def overview_passage(content: OverviewContent, texts: Texts, *, now: bool = True) -> Passage:
    """Headlines, words, charts.

    Parameters
    ----------
    now
        Whether to show the state of the microgrid now, as a table.
    """
    cards = tuple(headline.card for headline in content.headlines)
    numbers = numbers_passage(SectionContent(cards, content.charts), texts)
    words = (Paragraph(" ".join(content.words)),) if content.words else ()
    flow = (picture_block(content.flow),) if now else ()
    head, charts = numbers.blocks[: bool(cards)], numbers.blocks[bool(cards) :]
    return Passage((*head, *words, *flow, *charts), numbers.coverage)


def distribution_passage(content: DistributionContent, texts: Texts) -> Passage:
    """Cards, charts, and the pictures as tables."""
    numbers = numbers_passage(content.section, texts)
    absent = (Paragraph(content.absent, "note"),) if content.absent else ()
    pictures = (picture_block(picture) for picture in content.pictures)
    return Passage((*numbers.blocks, *absent, *pictures), numbers.coverage)


def _overview(data: SiteData, window: Window, texts: Texts, against: str) -> Passage:
    return overview_passage(prepare_overview(data, window, texts, against), texts, now=False)


def _production(data: SiteData, window: Window, texts: Texts, against: str) -> Passage:
    return numbers_passage(prepare_section(PRODUCTION, data, window, texts, against), texts)


def _storage(data: SiteData, window: Window, texts: Texts, against: str) -> Passage:
    return storage_passage(prepare_storage(data, window, texts, against), texts)


def _distribution(data: SiteData, window: Window, texts: Texts, against: str) -> Passage:
    return distribution_passage(prepare_distribution(data, window, texts, against), texts)


def _quality(data: SiteData, window: Window, texts: Texts, against: str) -> Passage:
    if not measures_quality(data.profile):
        raise NoDataError(texts("quality.not_measured"))
    return quality_passage(prepare_quality(data, window, texts, against), texts)


_WRITERS: dict[str, _Write] = {
    "overview": _overview,
    "production": _production,
    "storage": _storage,
    "distribution": _distribution,
    "quality": _quality,
}
