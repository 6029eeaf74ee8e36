"""Notebooks typeset: ours and analysts', by nbconvert; and templates that go wrong."""

from __future__ import annotations

import base64
import io
import json
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from pypdf import PdfReader

from microgrid_lib.present.texts import texts_for
from microgrid_lib.report import Column, Heading, Paragraph, TableBlock
from microgrid_lib.report.blocks import FigureBlock
from microgrid_lib.report.notebook.execute import TemplateError, execute
from microgrid_lib.report.notebook.exporter import MicrogridPDFExporter
from microgrid_lib.report.notebook.reading import read_pages
from microgrid_lib.report.notebook.shown import MIME, Shown
from microgrid_lib.report.typeset import block_data
from microgrid_lib.resources import checkout_root
from tests.report.samples import HOSTILE, pages

TEMPLATES = ("monthly", "weekly", "daily", "section", "consumers")
PARAMETERS = {
    "monthly": {"period": "2022-06"},
    "weekly": {"period": "2022-W23"},
    "daily": {"period": "2022-06-05"},
    "section": {"period": "2022-06", "section": "storage"},
    "consumers": {},
}
PNG = base64.b64encode(
    base64.b64decode(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    )
).decode()


def notebook(*cells: Any, **metadata: Any) -> Any:
    return new_notebook(cells=list(cells), metadata=metadata)


def result(source: str, data: dict[str, str], **metadata: Any) -> Any:
    cell = new_code_cell(source, metadata=metadata)
    cell.outputs = [new_output("display_data", data=data)]
    return cell


def analysts() -> Any:
    table = "<table><thead><tr><th>day</th><th>kWh</th></tr></thead><tbody>"
    table += "".join(f"<tr><td>{day}</td><td>{day * 10}</td></tr>" for day in range(90))
    return notebook(
        new_markdown_cell(
            "# A look at *June*\n\n**Bold**, $E = mc^2$, #hash, [link](https://x.y/z).\n\n$$\\frac{a}{b}$$"
        ),
        result("frame", {"text/html": table + "</tbody></table>", "text/plain": "frame"}),
        new_markdown_cell("#### Deep\n\n```{=typst}\n#panic()\n```\n\n![gone](missing.png)"),
        result("plot", {"image/png": PNG, "text/plain": "<Figure>"}, alt="A dot", caption="Dot"),
        new_markdown_cell("# Second chapter\n\nNote[^1].\n\n[^1]: Below."),
        result("secret = 1", {"text/plain": "seen"}, tags=["hide-input"]),
        result("nothing", {"text/plain": "unseen"}, tags=["remove-cell"]),
    )


def elements(pdf: bytes) -> set[str]:
    root = PdfReader(io.BytesIO(pdf)).trailer["/Root"]
    found: set[str] = set()

    def visit(node: Any) -> None:
        node = node.get_object() if hasattr(node, "get_object") else node
        if isinstance(node, list):
            for child in node:
                visit(child)
        elif isinstance(node, dict):
            found.add(str(node.get("/S")))
            visit(node.get("/K", []))

    visit(root["/StructTreeRoot"]["/K"])
    return found


def test_an_analysts_notebook_becomes_a_tagged_document() -> None:
    pdf, _ = MicrogridPDFExporter(language="en").from_notebook_node(analysts())
    text = " ".join(pages(pdf))
    assert text.startswith("A look at June Bold")
    assert "#hash" in text
    assert "#panic()" in text
    assert "[gone]" in text
    assert "Dot" in text
    assert "seen" in text
    assert "secret" not in text
    assert "unseen" not in text
    assert text.count("day kWh") > 1
    assert {"/H1", "/H2", "/Table", "/TH", "/Figure", "/Formula"} <= elements(pdf)


def test_code_is_left_out_with_no_input() -> None:
    shown, _ = MicrogridPDFExporter().from_notebook_node(analysts())
    hidden, _ = MicrogridPDFExporter(exclude_input=True).from_notebook_node(analysts())
    assert "plot" in " ".join(pages(shown))
    assert "plot" not in " ".join(pages(hidden))


def test_blocks_of_ours_are_typeset_as_in_every_document() -> None:
    texts = texts_for("fr")
    blocks = (
        Heading("Tension"),
        *(Paragraph(text) for text in HOSTILE),
        TableBlock((Column("Nom"), Column("kW", "right")), ((HOSTILE[0], "1,5"),)),
    )
    head = {"title": "Titre", "facts": [("Site", "Mesa")], "label": "", "language": "fr"}
    shown = Shown([block_data(block, texts) for block in blocks], head, (0.5, 1.0))
    bundle = shown._repr_mimebundle_()
    cell = new_code_cell("hidden code")
    cell.outputs = [new_output("display_data", data=bundle)]
    pdf = read_pages(notebook(cell), inputs=True).pdf()
    text = " ".join(pages(pdf))
    assert text.startswith("Titre Site Mesa Couverture de 50,0 % à 100,0 % Tension")
    assert "1,5" in text
    assert "hidden code" not in text
    assert "<script>" not in bundle["text/html"]
    assert "Titre" in bundle["text/plain"]


def test_a_picture_in_html_is_data_with_its_text() -> None:
    block = FigureBlock(svg="<svg onload='alert(1)'/>", alt='a "b" <c>')
    html = Shown([block_data(block, texts_for("en"))])._repr_mimebundle_()["text/html"]
    assert "onload" not in html
    assert 'alt="a &quot;b&quot; &lt;c&gt;"' in html


@pytest.mark.usefixtures("stocked_home")
@pytest.mark.parametrize("kind", TEMPLATES)
@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_template_runs(kind: str, language: str) -> None:
    path = (checkout_root() or Path()) / "reports" / f"{kind}.ipynb"
    done = execute(path, {**PARAMETERS[kind], "language": language})
    assert all(cell.execution_count for cell in done.cells if cell.cell_type == "code")
    shown = [o.data for cell in done.cells for o in cell.get("outputs", ())]
    assert len(shown) >= 2
    assert all(MIME in data and data["text/plain"] for data in shown)
    found = read_pages(done)
    assert found.texts.language == language
    assert found.blocks


@pytest.mark.parametrize("kind", TEMPLATES)
def test_templates_are_kept_without_outputs(kind: str) -> None:
    path = (checkout_root() or Path()) / "reports" / f"{kind}.ipynb"
    content = nbformat.read(path, as_version=4)
    nbformat.validate(content)
    assert not [cell for cell in content.cells if cell.get("outputs")]


def template(path: Path, *sources: str, in_process: bool = True) -> Path:
    first = new_code_cell("x = 1\nname: str = 'a'", metadata={"tags": ["parameters"]})
    content = notebook(first, *(new_code_cell(source) for source in sources))
    content.metadata = {
        "microgrid": {"in_process": in_process},
        "kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"},
    }
    nbformat.write(content, path)
    return path


@pytest.mark.parametrize("in_process", [True, False])
def test_a_cell_that_raises_is_named(tmp_path: Path, in_process: bool) -> None:
    path = template(tmp_path / "mine.ipynb", "y = x + 1", "total = y / 0", in_process=in_process)
    with pytest.raises(TemplateError) as caught:
        execute(path, {"x": 2})
    said = str(caught.value)
    assert "mine.ipynb: cell 3 (total = y / 0) raised ZeroDivisionError: division by zero" in said
    assert "total = y / 0" in caught.value.details
    assert caught.value.exit_code == 1


def test_values_text_and_displays_of_a_cell_are_kept_in_order(tmp_path: Path) -> None:
    path = template(tmp_path / "mine.ipynb", "print(x, name)\ndisplay('shown')\nx + 1", "x;")
    done = execute(path, {"x": 41})
    outputs = done.cells[2].outputs
    assert outputs[0].text == "41 a\n"
    assert [o.data["text/plain"] for o in outputs[1:]] == ["'shown'", "42"]
    assert not done.cells[3].outputs


def test_a_parameter_that_a_template_lacks_is_named(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match=r"has no parameter 'mouth'; known: name, x"):
        execute(template(tmp_path / "mine.ipynb"), {"mouth": "2022-07"})


def test_a_template_needs_its_cell_of_parameters(tmp_path: Path) -> None:
    path = tmp_path / "bare.ipynb"
    nbformat.write(notebook(new_code_cell("1")), path)
    with pytest.raises(TemplateError, match="needs one code cell tagged 'parameters'"):
        execute(path, {})


@pytest.mark.parametrize("content", ["", "no json", json.dumps({"cells": 3})])
def test_a_file_that_is_no_notebook_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "broken.ipynb"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(TemplateError, match=r"broken\.ipynb: isn't a notebook that can be read"):
        execute(path, {})


def test_nbconvert_knows_the_exporter_by_its_name() -> None:
    found = {e.name: e.value for e in entry_points(group="nbconvert.exporters")}
    if "microgrid-pdf" not in found:
        pytest.skip("the project was installed before it had this entry point")
    from nbconvert.exporters import get_exporter

    assert get_exporter("microgrid-pdf") is MicrogridPDFExporter
