"""Grid quality as values: verdicts, lengths of time, limits of 60 and of 50 Hz."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from microgrid_lib import resources
from microgrid_lib.kpi.compliance_rules import quality_rules
from microgrid_lib.present.limits import bands_of
from microgrid_lib.present.quality import MARKS, duration_text, measures_quality
from microgrid_lib.present.texts import LANGUAGES, texts_for
from microgrid_lib.site.load import read_site_file
from microgrid_lib.site.profile import Site

EN = texts_for("en")


def site(tmp_path: Path, volts: float = 480.0, hertz: float = 60.0) -> Site:
    shipped = resources.resource_path("data/sites/mesa_del_sol.toml").read_text(encoding="utf-8")
    text = re.sub(r"voltage_v = [\d.]+\n", f"voltage_v = {volts}\n", shipped, count=1)
    text = text.replace("frequency_hz = 60.0", f"frequency_hz = {hertz}")
    path = tmp_path / "mesa_del_sol.toml"
    path.write_text(text, encoding="utf-8")
    return read_site_file(path)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (40, "40 s"), (340, "5 min 40 s"), (3600, "1 h"), (7384, "2 h 3 min")],
)
def test_a_length_of_time_has_its_two_largest_units(seconds: float, text: str) -> None:
    assert duration_text(seconds, EN).replace("\N{NO-BREAK SPACE}", " ") == text


def test_60_hertz_is_judged_by_ansi(tmp_path: Path) -> None:
    outer, inner = bands_of("voltage", site(tmp_path), EN)
    assert (inner.low, inner.high, inner.tone) == (456.0, 504.0, "band")
    assert (outer.low, outer.high) == (440.0, 508.0)
    assert outer.label == "ANSI C84.1 range B"


def test_50_hertz_is_judged_by_en_50160(tmp_path: Path) -> None:
    found = site(tmp_path, 400.0, 50.0)
    outer, _ = bands_of("voltage", found, EN)
    assert (outer.low, outer.high, outer.label) == (360.0, 440.0, "EN 50160, ±10 %")
    wide, narrow = bands_of("frequency", found, EN)
    assert (narrow.low, narrow.high) == (49.5, 50.5)
    assert (wide.low, wide.high) == (49.0, 51.0)


def test_a_site_without_these_meters_is_known(tmp_path: Path) -> None:
    trade_street = read_site_file(resources.resource_path("data/sites/trade_street.toml"))
    assert not measures_quality(trade_street.profile())
    assert measures_quality(site(tmp_path).profile())


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_rule_limit_and_verdict_has_its_words(tmp_path: Path, language: str) -> None:
    texts = texts_for(language)
    keys = [f"rule.{rule.name}" for rule in quality_rules(site(tmp_path).profile())]
    keys += [f"{key}.what" for key in keys]
    keys += [f"verdict.{name.replace(' ', '_') or 'none'}" for name in MARKS]
    keys += [f"excursion.{limit}" for limit in ("voltage_a", "voltage_b", "above", "below")]
    keys += [f"excursion.frequency_{limit}" for limit in ("warning", "critical")]
    assert [key for key in keys if not texts.has(key)] == []
