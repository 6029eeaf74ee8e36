"""PDF files, read back: text, numbers, language, tags, and nothing from anywhere else."""

from __future__ import annotations

import io
import re
import sys
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from subprocess import run
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader
from pypdf.generic import ArrayObject, DictionaryObject

from microgrid_lib import resources
from microgrid_lib.present.texts import texts_for
from microgrid_lib.report import typeset
from microgrid_lib.report.blocks import (
    Block,
    Cards,
    Column,
    Document,
    FigureBlock,
    Heading,
    Paragraph,
    TableBlock,
)
from microgrid_lib.report.errors import ReportError
from microgrid_lib.report.pages import (
    About,
    Passage,
    chart_pdf,
    passages_pdf,
    period_text,
    section_pdf,
    table_pdf,
)
from microgrid_lib.report.typeset import document_data, to_pdf
from microgrid_lib.site.zones import zone
from microgrid_lib.window import parse_window
from tests.report.samples import GENERATED, HOSTILE, chart, pages, section

EN, FR = texts_for("en"), texts_for("fr")
FILLING = 45
"""Lines after which a heading and a note still fit on a page, and a table doesn't."""


@lru_cache
def made(language: str = "en", **how: str) -> bytes:
    content, what = section(language, **how)
    return section_pdf("production", content, what, texts_for(language), generated=GENERATED)


def elements(pdf: bytes) -> list[DictionaryObject]:
    """All elements of the structure tree, in order."""
    found = []

    def visit(node: Any) -> None:
        node = node.get_object() if hasattr(node, "get_object") else node
        if isinstance(node, ArrayObject):
            for child in node:
                visit(child)
        elif isinstance(node, DictionaryObject) and "/S" in node:
            found.append(node)
            visit(node.get("/K", ArrayObject()))

    root = PdfReader(io.BytesIO(pdf)).trailer["/Root"]
    visit(root["/StructTreeRoot"]["/K"])
    return found


def table_of(names: list[str], language: str = "en") -> bytes:
    texts = texts_for(language)
    columns = (Column("Name", wide=True), Column("Power", "right"))
    return table_pdf("T", columns, [(n, "1.0") for n in names], About(), texts)


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_section_has_its_cards_numbers_as_the_page_writes_them(language: str) -> None:
    content, _ = section(language)
    text = " ".join(pages(made(language)))
    assert len(content.cards) == 11
    for card in content.cards:
        value = f"{card.value_text} {card.unit_text}".strip()
        assert " ".join(card.title.split()) in text
        assert " ".join(value.split()) in text
        assert " ".join(card.reason.split()) in text
        assert " ".join(card.warning.split()) in text
        if card.change:
            assert " ".join(card.change.text.split()) in text


def test_the_uncertainty_stands_with_the_value() -> None:
    content, what = section()
    card = replace(content.cards[0], unit_text="± 1.3 %")
    assert (
        "18.2 ± 1.3 %"
        in pages(section_pdf("production", replace(content, cards=(card,)), what, EN))[0]
    )


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        (
            "en",
            (
                "Production Synthetic demo data Site Mesa del Sol "
                "Profile GE as published: consumption "
                "Period 5 – 7 Jul 2022 (UTC−07:00) Coverage 90.0 % to 99.6 % "
                "Indicator Value Change Coverage Renewable share "
            ),
        ),
        (
            "fr",
            (
                "Production Données de démonstration synthétiques Site Mesa del Sol "
                "Profil GE comme publié : consommation "
                "Période 5 – 7 juil. 2022 (UTC−07:00) Couverture de 90,0 % à 99,6 % "
                "Indicateur Valeur Évolution Couverture Part renouvelable "
            ),
        ),
    ],
)
def test_a_section_begins_with_what_it_is_about(language: str, expected: str) -> None:
    assert pages(made(language))[0].startswith(expected)


def test_every_page_says_when_it_was_made_and_its_number() -> None:
    texts = pages(made())
    assert len(texts) == 2
    for number, text in enumerate(texts, 1):
        assert text.endswith(
            "Synthetic demo data · Made 1 Aug 2022 08:30 UTC−07:00 · Microgrid Monitoring 0.1.0 "
            f"Page {number} of 2"
        )
    assert pages(made("fr"))[1].endswith("Page 2 sur 2")


def test_measured_data_have_no_label() -> None:
    content, what = section()
    real = section_pdf("production", content, replace(what, synthetic=False), EN)
    assert not any("ynthetic" in text for text in pages(real))


def test_every_chart_has_its_title_and_a_text_for_who_cannot_see_it() -> None:
    content, _ = section()
    pdf = made()
    text = " ".join(pages(pdf))
    figures = [e for e in elements(pdf) if e["/S"] == "/Figure"]
    assert len(figures) == len(content.charts) == 4
    for shown, figure in zip(content.charts, figures, strict=True):
        assert shown.title in text
        assert shown.summary in str(figure["/Alt"])


def test_a_section_is_tagged_and_knows_its_language_and_title() -> None:
    for language in ("en", "fr"):
        pdf = made(language)
        reader = PdfReader(io.BytesIO(pdf))
        root = reader.trailer["/Root"]
        assert str(root["/Lang"]).split("-")[0] == language
        assert root["/MarkInfo"]["/Marked"]
        assert root["/ViewerPreferences"]["/DisplayDocTitle"]
        assert reader.metadata is not None
        assert reader.metadata.title == "Production"
        assert reader.metadata.author == "Microgrid Monitoring"
        assert reader.metadata.creation_date == GENERATED
        xmp = reader.xmp_metadata
        assert xmp is not None
        packet = xmp.stream.get_data().decode()
        assert re.search(r"pdfaid:part>2<.*pdfaid:conformance>A<", packet, re.DOTALL)
        assert "pdfuaid:part>1<" in packet


def test_headings_and_tables_are_tagged_as_such() -> None:
    kinds = [str(e["/S"]) for e in elements(made())]
    assert [k for k in kinds if re.fullmatch("/H[1-6]", k)] == ["/H1", *["/H2"] * 4]
    assert kinds.count("/Table") == 1
    assert kinds.count("/TH") == 4


def test_pages_are_a4_and_vectors_only() -> None:
    content, what = section()
    reader = PdfReader(io.BytesIO(made()))
    for page in reader.pages:
        assert [round(float(v)) for v in page.mediabox[2:]] == [595, 842]
    for number in range(len(reader.pages)):
        assert list(reader.pages[number].images) == []
    assert b"/Subtype /Image" not in made()
    pdf = chart_pdf(content.charts[0], what, EN)
    assert list(PdfReader(io.BytesIO(pdf)).pages[0].images) == []


def test_a_chart_alone_is_of_its_own_period() -> None:
    _, what = section()
    shorter = parse_window("2022-07-05T06:00", "2022-07-05T09:00", zone("UTC-07:00"))
    pdf = chart_pdf(replace(chart(), window=shorter, coverage=0.5), what, EN, generated=GENERATED)
    (text,) = pages(pdf)
    assert text.startswith("Battery power against its set response Synthetic demo data")
    assert "Period 5 Jul 2022 06:00 – 5 Jul 2022 09:00 (UTC−07:00) Coverage 50.0 %" in text
    assert text.count("Battery power against its set response") == 1


def test_a_long_table_repeats_its_header_and_loses_no_row() -> None:
    rows = [f"consumer {n}" for n in range(150)]
    texts = pages(table_of(rows))
    assert len(texts) > 2
    assert all("Name Power" in text for text in texts)
    assert re.findall(r"consumer \d+", " ".join(texts)) == rows


def test_a_note_stays_with_what_it_introduces_and_not_with_another_heading() -> None:
    """A page's last lines: a note moves on with the table it introduces, else it stays."""

    def page_of_note(*after: Block) -> int:
        lines = [Paragraph(f"Line {n}.") for n in range(FILLING)]
        blocks = (*lines, Heading("Not known"), Paragraph("A note.", "note"), *after)
        texts = pages(passages_pdf("Full", [Passage(blocks)], About(), EN))
        return next(number for number, text in enumerate(texts, 1) if "A note." in text)

    table = TableBlock((Column("Name"),), tuple((f"row {n}",) for n in range(8)))
    assert page_of_note(Heading("Indicators"), table) == 1
    assert page_of_note(table) == 2


def test_many_columns_lie_on_their_side_and_stay_on_the_page() -> None:
    columns = [Column(f"Column {n}", "right") for n in range(12)]
    pdf = table_pdf("Wide", columns, [["123,456.78"] * 12], About(), EN)
    (page,) = PdfReader(io.BytesIO(pdf)).pages
    width, height = (float(v) for v in page.mediabox[2:])
    assert width > height
    ends: list[float] = []

    def see(text: str, cm: Any, tm: Any, *_: Any) -> None:
        if text.strip():
            ends.append(float(cm[0] * tm[4] + cm[4]))

    page.extract_text(visitor_text=see)
    assert ends
    assert max(ends) < width - 40


@pytest.mark.parametrize("name", HOSTILE)
def test_any_text_anywhere_is_shown_and_never_run(name: str) -> None:
    document = Document(
        title=f"x {name}",
        blocks=(
            Heading(f"x {name}"),
            Paragraph(name),
            Paragraph(name, "warning"),
            TableBlock((Column(f"x {name}", wide=True),), ((name,),), title=f"x {name}"),
            Cards((replace(section()[0].cards[0], title=name, reason=name, warning=name),)),
        ),
        facts=((name, name),),
        label=name,
    )
    text = " ".join(pages(to_pdf(document, EN)))
    assert "root:" not in text
    if name.isascii() and len(name) < 100:
        assert text.count(" ".join(name.split())) >= 9


@settings(deadline=None, max_examples=25)
@given(st.lists(st.text(st.characters(exclude_categories=())), max_size=8))
def test_any_names_give_a_pdf(names: list[str]) -> None:
    assert table_of([*names, "last"]).startswith(b"%PDF-")


def test_texts_are_handed_over_as_data() -> None:
    name = HOSTILE[0]
    document = Document(name, (Paragraph(name),))
    data = document_data(document, EN)
    assert data["title"] == name
    assert data["blocks"] == [{"kind": "paragraph", "text": name, "tone": "plain"}]


def test_a_figure_that_cannot_be_drawn_is_one_line() -> None:
    broken = Document("x", (FigureBlock("<svg", "nothing"),))
    with pytest.raises(ReportError, match=r"the document can't be typeset: .*SVG") as caught:
        to_pdf(broken, EN)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("path", ["/etc/passwd", "../../../etc/passwd", "x.png"])
def test_a_figure_cannot_bring_a_file(path: str) -> None:
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">'
        f'<image href="{path}" width="9" height="9"/></svg>'
    )
    with pytest.raises(ReportError, match="failed to load linked image"):
        to_pdf(Document("x", (FigureBlock(svg, "a square"),)), EN)


def test_documents_that_make_no_sense_are_refused_when_they_are_described() -> None:
    with pytest.raises(ValueError, match="a row has 1 cells, not 2"):
        TableBlock((Column("a"), Column("b")), (("only one",),))
    with pytest.raises(ValueError, match="needs a column"):
        TableBlock((), ())
    with pytest.raises(ValueError, match="can't see it"):
        FigureBlock("<svg/>", " ")
    with pytest.raises(ValueError, match="level 3 can't follow one of level 1"):
        Document("x", (Heading("y", 3),))
    with pytest.raises(ValueError, match="needs a zone"):
        Document("x", (), generated=datetime(2022, 7, 1))
    assert Document("x", (Heading("y"), Heading("z", 3), Heading("y")))


def test_a_period_with_a_change_of_the_clock_has_both_offsets() -> None:
    window = parse_window("2022-03-26", "2022-03-28", zone("Europe/Paris"))
    assert period_text(window, EN) == ("26 – 27 Mar 2022 (Europe/Paris, UTC+01:00 / UTC+02:00)")


def test_a_table_needs_no_plotting_and_leaves_typesetting_to_another_process() -> None:
    code = (
        "import sys\n"
        "from microgrid_lib.present.texts import texts_for\n"
        "from microgrid_lib.report import About, Column, table_pdf\n"
        "pdf = table_pdf('T', [Column('a')], [('b',)], About(), texts_for('en'))\n"
        "print(pdf[:5], sorted({'matplotlib', 'typst'} & set(sys.modules)))"
    )
    done = run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == ("b'%PDF-' []", "")


def test_typesetting_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typeset, "_LONGEST_S", 0.01)
    with pytest.raises(ReportError, match="wasn't typeset within"):
        table_of(["x"])


def test_a_process_that_dies_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(ReportError, match="can't be typeset: no reason given"):
        table_of(["x"])


@pytest.mark.parametrize("package", ["typst", "matplotlib"])
def test_a_missing_package_is_named(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def find(name: str) -> Any:
        return None if name == package else find_spec(name)

    monkeypatch.setattr(typeset, "find_spec", find)
    typeset.fonts_folder.cache_clear()
    with pytest.raises(ReportError, match=f"need {package}, which isn't installed"):
        table_of(["x"])


def test_the_example_on_the_page_works() -> None:
    page = (resources.checkout_root() or Path()) / "docs" / "reports.md"
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    (code,) = (block for block in blocks if "to_pdf(" in block)
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102  our own page
    (text,) = pages(names["pdf"])
    assert text.startswith("Excursions Site Mesa del Sol Voltage outside of its limits.")
    assert "1 Jul 2022 10:15 437.2" in text
