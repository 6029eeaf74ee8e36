"""The note on GE: shown where the profile and the data disagree, and only there."""

from __future__ import annotations

from microgrid_lib.dashboard.banner import evidence_html
from microgrid_lib.present.banner import make_banner
from microgrid_lib.present.texts import texts_for
from tests.dashboard.fakes import FakeLibrary

EN, FR = texts_for("en"), texts_for("fr")


def test_the_published_reading_is_shown_with_what_the_data_say() -> None:
    banner = make_banner(FakeLibrary().open_site("mesa_del_sol", "as_published"), EN)
    assert banner is not None
    assert banner.title == "How GE is read."
    assert "within 36.0 kW on average, against 187.0 kW" in banner.text
    assert "within 2.6 kW of its set response" in banner.text
    assert "Indicative" not in banner.text
    assert banner.switch_to == "gas_engine"
    assert banner.switch_text == "Switch to the profile “GE as gas engine: generation”"


def test_the_evidence_lists_every_reading_with_its_number_of_values() -> None:
    banner = make_banner(FakeLibrary().open_site("mesa_del_sol", "as_published"), EN)
    assert banner is not None
    assert [row[1:] for row in banner.rows[:3]] == [
        ("187.0 kW", "1,000"),
        ("36.0 kW", "1,000"),
        ("2.6 kW", "990"),
    ]
    assert "<summary>Show the evidence</summary>" in evidence_html(banner, EN)


def test_the_reading_the_data_favour_needs_no_note() -> None:
    assert make_banner(FakeLibrary().open_site("mesa_del_sol", "gas_engine"), EN) is None


def test_a_site_without_doubt_has_no_note() -> None:
    assert make_banner(FakeLibrary().open_site("trade_street", "default"), EN) is None


def test_a_site_without_data_has_no_note() -> None:
    library = FakeLibrary(empty=("mesa_del_sol",))
    assert make_banner(library.open_site("mesa_del_sol", "as_published"), EN) is None


def test_the_note_speaks_french() -> None:
    banner = make_banner(FakeLibrary().open_site("mesa_del_sol", "as_published"), FR)
    assert banner is not None
    assert "à 36,0 kW près" in banner.text
