"""Periodic reports as blocks and as PDF: complete in both languages, with the library's numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from microgrid_lib.api import SiteData, open_site
from microgrid_lib.errors import NoDataError
from microgrid_lib.present.cards import make_card
from microgrid_lib.present.monthly.data_quality import coverage_map
from microgrid_lib.present.monthly.summary import find_all
from microgrid_lib.present.texts import LANGUAGES, texts_for
from microgrid_lib.report.blocks import Block, Document, FigureBlock, Heading, Paragraph, TableBlock
from microgrid_lib.report.monthly import PeriodReport, period_document
from microgrid_lib.report.monthly import sections as report_sections
from microgrid_lib.report.typeset import to_pdf
from microgrid_lib.settings import Settings
from microgrid_lib.window import Window, month_window
from tests.report.samples import pages

SITE = "mesa_del_sol"


def june(data: SiteData) -> Window:
    return month_window("2022-06", data.site.display_zone)


@pytest.fixture(scope="module")
def whole(stocked: Path) -> SiteData:
    return open_site(SITE, settings=Settings(home=stocked))


@pytest.fixture(scope="module")
def broken(demo_month: Path, tmp_path_factory: pytest.TempPathFactory) -> SiteData:
    """The demo month without ten days of it."""
    home = tmp_path_factory.mktemp("broken")
    (source,) = demo_month.glob("*.csv")
    head, *lines = source.read_text(encoding="utf-8").splitlines()
    lost = tuple(f"2022/06/{day:02d}" for day in range(11, 21))
    kept = [line for line in lines if not line.startswith(lost)]
    assert len(lines) - len(kept) > 80_000
    (home / source.name).write_text("\n".join([head, *kept]) + "\n", encoding="utf-8")
    site = open_site(SITE, settings=Settings(home=home))
    site.ingest([home / source.name])
    return site


def words(blocks: tuple[Block, ...]) -> Iterator[str]:
    for block in blocks:
        match block:
            case Heading() | Paragraph():
                yield block.text
            case FigureBlock():
                yield from (block.title, block.subtitle, block.alt, block.caption)
            case TableBlock():
                yield from (block.title, block.caption, *(c.title for c in block.columns))
                yield from (cell for row in block.rows for cell in row)


@pytest.fixture(scope="module", params=LANGUAGES)
def report(request: pytest.FixtureRequest, whole: SiteData) -> PeriodReport:
    return PeriodReport(whole, june(whole), texts_for(request.param))


@pytest.fixture(scope="module")
def document(report: PeriodReport) -> Document:
    return period_document(report)


def test_nothing_is_left_untranslated_or_unfilled(document: Document) -> None:
    said = [*words(document.blocks), document.title, *(t for fact in document.facts for t in fact)]
    keys = re.compile(r"^(monthly|balance|flow|kpi|note|role|rule|definition|formula)\.\w")
    assert [text for text in said if keys.search(text) or re.search(r"\{\w*\}", text)] == []
    assert not any("nan" in re.split(r"\W+", text) or text == "None" for text in said)


def test_indicators_are_those_of_the_library_as_cards_write_them(report: PeriodReport) -> None:
    texts, kpis = report.texts, report.data.kpis(report.window).kpis
    rows = [
        row
        for block in report.indicators().blocks
        if isinstance(block, TableBlock)
        for row in block.rows
    ]
    checked = 0
    for name, kpi in kpis.items():
        if report.facts.kpi(name) is None:
            continue
        card = make_card(name, kpi, texts)
        (row,) = (row for row in rows if row[0] in (card.title, f"{card.title} ({card.when})"))
        assert row[1] == f"{card.value_text}\N{NO-BREAK SPACE}{card.unit_text}".strip(), name
        assert kpi.coverage is not None
        assert row[2] == f"{texts.share(kpi.coverage)}\N{NO-BREAK SPACE}%"
        checked += 1
    assert checked == len(rows) == 32


def test_the_document_has_its_parts_in_order_and_the_first_page_is_the_summary(
    report: PeriodReport, document: Document
) -> None:
    texts = report.texts
    heads = [block.text for block in document.blocks if isinstance(block, Heading)]
    tops = [block for block in document.blocks if isinstance(block, Heading) and block.level == 2]
    wanted = ["monthly.summary", "monthly.kpis", "monthly.balance"]
    wanted += [f"section.{n}" for n in ("production", "storage", "distribution", "quality")]
    wanted += ["monthly.alerts", "monthly.data", "monthly.forecast", "monthly.appendix"]
    assert [block.text for block in tops] == [texts(key) for key in wanted]
    assert len(set(heads)) == len(heads)
    shown = pages(to_pdf(document, texts))
    assert 10 <= len(shown) <= 15
    assert texts("monthly.kpis") not in shown[0]
    for block in document.blocks:
        if isinstance(block, FigureBlock):
            assert block.title
            assert block.subtitle


def test_verdicts_and_trips_stand_with_their_counts(report: PeriodReport) -> None:
    texts, found = report.texts, report.data.compliance(report.window)
    tables = {b.title: b for b in report.section("quality").blocks if isinstance(b, TableBlock)}
    rules = tables[texts("quality.compliance")].rows
    assert [row[3:7] for row in rules] == [
        tuple("–" if n is None else texts.number(n) for n in (r.n, r.n1, r.n2, r.n_invalid))
        for r in found.rules
    ]
    trips = tables[texts("quality.trips")].rows
    assert [(row[0], row[4]) for row in trips] == [
        (trip.function, texts.number(trip.beyond)) for trip in found.trips
    ]


def test_a_month_without_a_month_before_is_compared_with_none(report: PeriodReport) -> None:
    assert [earlier.kpis for earlier in report.facts.earlier] == [None, None]
    tables = [b for b in report.indicators().blocks if isinstance(b, TableBlock)]
    assert {len(table.columns) for table in tables} == {3}
    facts = dict(report.fact_lines())
    said = facts[report.texts("monthly.fact.compared")]
    assert said.count(report.texts("monthly.no_data_then", period="")[1:]) == 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_month_with_ten_days_missing_says_so_everywhere(broken: SiteData, language: str) -> None:
    texts = texts_for(language)
    report = PeriodReport(broken, june(broken), texts)
    facts = report.facts
    (long,) = (outage for outage in facts.days.outages if outage.hours > 100)
    zone = broken.site.display_zone
    assert abs(long.start - june(broken).start - timedelta(days=10)) < timedelta(minutes=1)
    assert long.start.tzinfo == zone
    assert long.hours == pytest.approx(240, abs=0.1)
    findings = {f.rule: f for f in find_all(facts, texts)}
    assert findings["C2"].tone == "attention"
    assert texts.moment(long.start) in findings["C2"].text
    assert findings["C1"].tone == "attention"
    pv = facts.kpis["pv_energy"]
    assert pv.coverage is not None
    assert texts("monthly.covered", share=f"{texts.share(pv.coverage)}\N{NO-BREAK SPACE}%") in (
        findings["P1"].text
    )
    # Two thirds of the samples are enough for a value, and too few for a comparison.
    assert findings["P1"].tone == "record"
    assert facts.kpis["battery_round_trip_efficiency"].value is None
    assert findings["S1"].tone == "unjudged"
    assert to_pdf(period_document(report), texts)
    heat = coverage_map(facts, texts)
    assert all(row[10:20] == (-1,) * 10 for row in heat.colours)


def test_a_profile_without_a_load_tells_what_the_site_used_itself(stocked: Path) -> None:
    data = open_site(SITE, "gas_engine", Settings(home=stocked))
    texts = texts_for("en")
    report = PeriodReport(data, june(data), texts)
    said = " ".join(words(report.balance().blocks))
    assert texts("balance.own_use") in said
    kpi = data.kpis(june(data)).kpis["auxiliaries_mean"]
    gap = report.facts.balance.gap_kwh
    assert kpi.value is not None
    assert kpi.covered_h is not None
    assert gap is not None
    spread = report.facts.balance.spread_kwh or 0.0
    assert gap == pytest.approx(kpi.value * kpi.covered_h, abs=spread + 1e-6)
    assert to_pdf(period_document(report), texts)


def test_a_site_without_fuel_cell_has_no_word_on_one(
    real_trade_street: Path, tmp_path: Path
) -> None:
    data = open_site("trade_street", settings=Settings(home=tmp_path))
    data.ingest(sorted(real_trade_street.glob("*.csv")))
    report = PeriodReport(data, month_window("2018-07", data.site.display_zone), texts_for("en"))
    document = period_document(report)
    named = texts_for("en")("monthly.missing", names="")[:15]
    spoken = [t for t in words(document.blocks) if not t.startswith(named)]
    before_method = " ".join(spoken).split("Rules of the summary")[0].lower()
    assert "fuel cell" not in before_method
    assert "fuel-cell" not in before_method
    assert len(pages(to_pdf(document, report.texts))) <= 9


@pytest.mark.parametrize("kind", ["weekly", "daily"])
def test_short_reports_list_what_needs_attention_on_two_pages(whole: SiteData, kind: str) -> None:
    start = june(whole).start + timedelta(days=3)
    window = Window(start, start + timedelta(days=7 if kind == "weekly" else 1))
    report = PeriodReport(whole, window, texts_for("en"), kind)  # type: ignore[arg-type]
    document = period_document(report)
    said = " ".join(words(document.blocks))
    assert "Went well" not in [b.title for b in document.blocks if isinstance(b, TableBlock)]
    assert texts_for("en")("monthly.lead.brief") in said
    assert len(pages(to_pdf(document, report.texts))) <= 3


def test_long_lists_are_cut_and_say_so(whole: SiteData, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = texts_for("en")
    report = PeriodReport(whole, june(whole), texts)
    count = len(whole.alerts(june(whole)).alerts)
    assert count > 3
    passage = report_sections.alerts_passage(whole, report.facts, texts, most=3)
    table = passage.blocks[-1]
    assert isinstance(table, TableBlock)
    assert len(table.rows) == 3
    assert texts("monthly.cut", shown=3, count=count) in list(words(passage.blocks))
    monkeypatch.setattr(report_sections, "MOST_EXCURSIONS", 1)
    if len(report.facts.excursions) > 1:
        said = list(words(report.section("quality").blocks))
        cut = texts("monthly.cut_excursions", shown=1, count=len(report.facts.excursions))
        assert cut in said


def test_a_period_without_data_is_refused(whole: SiteData) -> None:
    report = PeriodReport(whole, month_window("2031-01", whole.site.display_zone), texts_for("en"))
    with pytest.raises(NoDataError):
        _ = report.facts
