"""Reports made of notebooks: what is in the files, what is made again, and what goes wrong."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pypdf import PdfReader

from microgrid_lib.api import open_site
from microgrid_lib.errors import WindowError
from microgrid_lib.present.cards import make_card
from microgrid_lib.present.texts import texts_for
from microgrid_lib.report import Kind, ReportOrder, Status, make
from microgrid_lib.report.manifest import read_manifest
from tests.report.samples import pages

JUNE = "2022-06"
SITE = "mesa_del_sol"


def order(kind: str = "monthly", period: str = JUNE, **how: str) -> ReportOrder:
    return ReportOrder(Kind(kind), SITE, period, **how)


@pytest.mark.usefixtures("stocked_home")
@pytest.mark.parametrize("language", ["en", "fr"])
def test_numbers_of_the_monthly_report_are_those_of_the_library(
    tmp_path: Path, language: str
) -> None:
    made = make(order(language=language), tmp_path)
    assert (made.status, made.reason) == (Status.made, "")
    assert made.file is not None
    text = " ".join(pages(made.file.read_bytes()))
    data, texts = open_site(SITE), texts_for(language)
    kpis = data.kpis(data.window("2022-06", "2022-07")).kpis
    for name in ("renewable_share", "pv_energy", "voltage_compliance", "peak_load"):
        card = make_card(name, kpis[name], texts, hours=720)
        assert " ".join(f"{card.value_text} {card.unit_text}".split()) in text, name


@pytest.mark.usefixtures("stocked_home")
def test_a_report_is_tagged_and_says_which_standard_it_follows(tmp_path: Path) -> None:
    made = make(order("daily", "2022-06-05", language="fr"), tmp_path)
    assert made.file is not None
    reader = PdfReader(made.file)
    assert len(reader.pages) == made.pages
    root = reader.trailer["/Root"]
    assert root["/Lang"] == "fr-FR"
    assert root["/MarkInfo"]["/Marked"]
    assert "/StructTreeRoot" in root
    xmp = root["/Metadata"].get_object().get_data().decode("utf-8")
    assert "<pdfaid:part>2</pdfaid:part>" in xmp
    assert "<pdfaid:conformance>A</pdfaid:conformance>" in xmp
    assert "<pdfuaid:part>1</pdfuaid:part>" in xmp


@pytest.mark.usefixtures("stocked_home")
def test_the_same_report_is_made_once_unless_forced(tmp_path: Path) -> None:
    wanted = order("daily", "2022-06-05")
    first = make(wanted, tmp_path)
    assert first.file is not None
    content = first.file.read_bytes()
    again = make(wanted, tmp_path)
    assert (again.status, again.file, again.pages) == (Status.unchanged, first.file, first.pages)
    assert first.file.read_bytes() == content
    forced = make(wanted, tmp_path, force=True, now=datetime(2026, 1, 2, tzinfo=UTC))
    assert forced.status is Status.made
    assert first.file.read_bytes() != content


@pytest.mark.usefixtures("stocked_home")
def test_a_report_that_someone_changed_is_made_again(tmp_path: Path) -> None:
    wanted = order("consumers", "")
    first = make(wanted, tmp_path)
    assert first.file is not None
    first.file.write_bytes(b"scribbled over")
    assert make(wanted, tmp_path).status is Status.made


@pytest.mark.usefixtures("stocked_home")
def test_the_manifest_says_what_the_report_was_made_of(tmp_path: Path) -> None:
    made = make(order("daily", "2022-06-05"), tmp_path / "new" / "folder")
    assert made.file is not None
    manifest = json.loads(made.file.with_suffix(".json").read_text(encoding="utf-8"))
    data = open_site(SITE)
    (file,) = data.files()
    assert manifest["inputs"]["files"] == {file.file: file.sha256}
    assert manifest["inputs"]["state"] == data.state()
    assert manifest["parameters"]["period"] == "2022-06-05"
    assert manifest["window"] == ["2022-06-05T00:00:00-07:00", "2022-06-06T00:00:00-07:00"]
    assert manifest["pages"] == made.pages
    assert manifest["software"]["packages"]["typst"]
    assert manifest["seconds"] > 0


@pytest.mark.usefixtures("stocked_home")
def test_the_manifest_has_what_needs_attention_and_that_the_data_are_synthetic(
    tmp_path: Path,
) -> None:
    made = make(order(), tmp_path)
    assert made.file is not None
    manifest = read_manifest(made.file.with_suffix(".json"))
    assert manifest is not None
    assert manifest.label == "Synthetic demo data"
    first = "".join(pages(made.file.read_bytes())[0].split())
    assert len(manifest.attention) > 1
    for sentence in manifest.attention:
        assert "".join(sentence.partition(": ")[2].split()) in first


@pytest.mark.usefixtures("stocked_home")
def test_a_month_without_data_is_one_page_that_says_so(tmp_path: Path) -> None:
    made = make(order(period="2021-02"), tmp_path)
    assert (made.status, made.exit_code, made.pages) == (Status.empty, 3, 1)
    assert made.file is not None
    assert "There are no data for Feb 2021" in pages(made.file.read_bytes())[0]
    assert make(order(period="2021-02"), tmp_path).status is Status.empty


@pytest.mark.usefixtures("stocked_home")
@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (order(period="2199-01"), "the period 2199-01 is in the future"),
        (order(period="2022-13"), "'2022-13' isn't a month"),
        (order("weekly", "2022-W54"), "there is no period '2022-W54'"),
        (ReportOrder(Kind.monthly, "nowhere", JUNE), "unknown site 'nowhere'"),
        (order(profile="odd"), "unknown profile of site mesa_del_sol 'odd'"),
    ],
)
def test_a_mistake_is_one_line_and_no_file(tmp_path: Path, wanted: ReportOrder, said: str) -> None:
    made = make(wanted, tmp_path)
    assert (made.status, made.exit_code, made.file) == (Status.failed, 2, None)
    assert said in made.reason
    assert "\n" not in made.reason
    assert not list(tmp_path.iterdir())


def test_a_period_of_another_kind_is_refused() -> None:
    with pytest.raises(WindowError, match="use YYYY-Www"):
        order("weekly", "2022-06")


@pytest.mark.usefixtures("stocked_home")
def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    made = make(order("consumers", ""), tmp_path / "taken" / "reports")
    assert (made.status, made.exit_code) == (Status.failed, 1)
    assert str(tmp_path / "taken") in made.reason
