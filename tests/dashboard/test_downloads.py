"""Files taken from the page: names, states, links."""

from __future__ import annotations

import base64
import re
from html import unescape

import pytest

from microgrid_lib.dashboard.downloads import (
    CSV,
    MOST_BYTES,
    PDF,
    Download,
    DownloadModel,
    File,
    file_name,
    size_text,
)
from microgrid_lib.present.texts import texts_for
from microgrid_lib.report.errors import ReportError
from microgrid_lib.report.pages import section_pdf
from tests.report.samples import section

EN, FR = texts_for("en"), texts_for("fr")


def fail() -> File:
    raise ReportError("typst isn't\ninstalled <b>")


def file(content: bytes = b"name\n", name: str = "x.csv") -> File:
    return File(name, CSV, content)


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        (("production", "mesa_del_sol", "2022-07"), "production_mesa_del_sol_2022-07.pdf"),
        (("Énergie à l’hôpital", "7 j"), "Énergie-à-l-hôpital_7-j.pdf"),
        (("漢字", ""), "漢字.pdf"),
        (("../../etc/passwd",), "etc-passwd.pdf"),
        (("C:\\x", "a/b"), "C-x_a-b.pdf"),
        (('"><script>', "\u202efdp.exe"), "script_fdp-exe.pdf"),
        (("a\r\nb\x00",), "a-b.pdf"),
        (("...", "--"), "file.pdf"),
        (("CON",), "_CON.pdf"),
        (("aux", "x"), "aux_x.pdf"),
        (("x" * 300,), "x" * 80 + ".pdf"),
    ],
)
def test_a_file_name_is_safe_on_every_system(parts: tuple[str, ...], name: str) -> None:
    assert file_name(*parts, extension="pdf") == name


def test_a_click_makes_the_file_and_offers_it() -> None:
    download = Download("CSV", file)
    download.show(EN)
    assert (download.button.description, download.outcome.value) == ("Download CSV", "")
    seen: list[str] = []
    download.outcome.observe(lambda change: seen.append(change["new"]), names="value")
    download.button.click()
    assert [re.findall(r'data-download="(\w+)"', html) for html in seen] == [
        ["preparing"],
        ["ready"],
    ]
    assert "Preparing CSV…" in seen[0]
    (link,) = re.findall(
        r'<a class="mg-save" download="([^"]*)" href="data:([^;]*);base64,([^"]*)">([^<]*)</a>',
        download.outcome.value,
    )
    assert link[:2] == ("x.csv", "text/csv")
    assert base64.b64decode(link[2]) == b"name\n"
    assert link[3] == "Save x.csv (1\u00a0kB)"


def test_a_mistake_is_one_line_and_the_next_click_tries_again() -> None:
    answers = [file, fail]

    def make() -> File:
        return answers.pop()()

    download = Download("PDF", make)
    download.show(FR)
    download.button.click()
    assert 'role="alert"' in download.outcome.value
    assert unescape(re.sub(r"<[^>]*>", "", download.outcome.value)) == (
        "Le PDF n’a pas pu être produit\u00a0: typst isn't installed <b>"
    )
    download.button.click()
    assert 'data-download="ready"' in download.outcome.value


def test_a_fault_of_ours_is_said_and_raised() -> None:
    def wrong() -> File:
        raise KeyError("x")

    download = Download("PDF", wrong)
    download.show(EN)
    with pytest.raises(KeyError):
        download.button.click()
    assert "could not be made: unexpected fault" in download.outcome.value


def test_another_view_takes_the_link_away() -> None:
    download = Download("CSV", file)
    download.show(EN)
    download.button.click()
    assert download.model.file is not None
    download.show(FR)
    assert download.outcome.value == ""
    assert download.model.file is None
    assert download.button.description == "Télécharger en CSV"


def test_names_are_escaped_in_the_link() -> None:
    download = Download("CSV", lambda: file(name='"><img src=x onerror=alert(1)>.csv'))
    download.show(EN)
    download.button.click()
    assert "<img" not in download.outcome.value
    assert '""' not in download.outcome.value


def test_a_file_too_large_for_a_page_is_refused() -> None:
    download = Download("CSV", lambda: file(b"x" * (MOST_BYTES + 1)))
    download.show(EN)
    download.button.click()
    assert "20.0\u00a0MB are more than a page can hand over" in download.outcome.value
    assert "href" not in download.outcome.value


def test_sizes_are_written_in_the_readers_language() -> None:
    assert size_text(20, EN) == "1\u00a0kB"
    assert size_text(115_400, EN) == "115\u00a0kB"
    assert size_text(2_340_000, FR) == "2,3\u00a0Mo"


def test_a_type_of_file_can_hold_nothing_else() -> None:
    with pytest.raises(ValueError, match="not a type of file"):
        File("x", 'text/html" onclick="x', b"")


def test_the_model_can_be_driven_without_widgets() -> None:
    model = DownloadModel(file)
    assert model.status == "idle"
    model.prepare()
    assert (model.status, model.file.content) == ("ready", b"name\n")
    model.reset()
    assert (model.status, model.file) == ("idle", None)


def test_a_section_can_be_taken_as_pdf() -> None:
    content, what = section()
    name = file_name("production", what.site, extension="pdf")
    download = Download(
        "PDF", lambda: File(name, PDF, section_pdf("production", content, what, EN))
    )
    download.show(EN)
    download.button.click()
    (encoded,) = re.findall(r'href="data:application/pdf;base64,([^"]*)"', download.outcome.value)
    assert base64.b64decode(encoded).startswith(b"%PDF-")
