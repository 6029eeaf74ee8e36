"""The colours: as agreed, the same dark by switch and by system, readable."""

from __future__ import annotations

import re

import pytest

from microgrid_lib.resources import resource_path

TEMPLATE = "share/jupyter/voila/templates/microgrid"
PAIRS = [
    ("ink", "surface"),
    ("ink", "background"),
    ("muted", "surface"),
    ("muted", "background"),
    ("muted", "neutral-wash"),
    ("accent", "surface"),
    ("on-accent", "accent"),
    ("good", "surface"),
    ("good", "good-wash"),
    ("warning", "surface"),
    ("warning", "warning-wash"),
    ("ink", "warning-wash"),
]


def themes() -> dict[str, dict[str, str]]:
    css = resource_path(f"{TEMPLATE}/static/tokens.css").read_text(encoding="utf-8")
    blocks = re.findall(r"([^{}]+)\{([^{}]*)\}", re.sub(r"@media[^{]*\{", "", css))
    light, by_system, by_switch = (
        dict(re.findall(r"--mg-([\w-]+):\s*(#[0-9a-f]{6})", body)) for _, body in blocks
    )
    assert by_system == by_switch
    return {"light": light, "dark": light | by_switch}


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_computed_right() -> None:
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_text_is_readable(theme: str, text: str, ground: str) -> None:
    colours = themes()[theme]
    assert contrast(colours[text], colours[ground]) >= 4.5


def test_the_sources_have_the_agreed_colours() -> None:
    light = themes()["light"]
    assert {name: light[name] for name in ("pv", "battery", "fuel-cell", "genset", "grid")} == {
        "pv": "#e69f00",
        "battery": "#009e73",
        "fuel-cell": "#56b4e9",
        "genset": "#cc79a7",
        "grid": "#0072b2",
    }


def test_nothing_in_the_template_names_another_machine() -> None:
    folder = resource_path(TEMPLATE)
    wrong = [
        (path.name, url)
        for path in folder.rglob("*")
        if path.is_file()
        for url in re.findall(r"(?:https?:)?//[a-z][\w.-]+\.[a-z]{2,}[^\s\"']*", path.read_text())
        if "www.w3.org/2000/svg" not in url
    ]
    assert wrong == []
