"""The page's style sheets, for JupyterLab: in Voilà the template brings them."""

from __future__ import annotations

import ipywidgets as widgets

from microgrid_lib.resources import resource_path

STYLE_SHEETS: tuple[str, ...] = (
    "tokens.css",
    "microgrid.css",
    "home.css",
    "storage.css",
    "distribution.css",
    "consumers.css",
    "quality.css",
    "simulation.css",
    "forecast.css",
    "downloads.css",
    "reports.css",
)
"""In the order they apply; the template lists the same."""


def style_sheet() -> widgets.HTML:
    """Make the page's style a widget."""
    folder = resource_path("share/jupyter/voila/templates/microgrid/static")
    css = "".join((folder / name).read_text(encoding="utf-8") for name in STYLE_SHEETS)
    return widgets.HTML(f"<style>{css}</style>")
