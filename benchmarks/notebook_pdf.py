"""A notebook that was run, as PDF: by our exporter, or by nbconvert's webpdf in Chromium."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any


def chromium() -> str | None:
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((found for found in map(shutil.which, names) if found), None)


def ours(notebook: Any) -> bytes:
    from microgrid_lib.report.notebook.exporter import MicrogridPDFExporter

    pdf, _ = MicrogridPDFExporter(exclude_input=True).from_notebook_node(notebook)
    return pdf


def webpdf(notebook: Any) -> bytes:
    """As `nbconvert --to webpdf`, with the system's Chromium in place of a downloaded one."""
    from nbconvert.exporters import WebPDFExporter
    from playwright.async_api import BrowserType

    launch = BrowserType.launch

    async def with_ours(self: Any, **how: Any) -> Any:
        return await launch(self, executable_path=chromium(), **how)

    BrowserType.launch = with_ours
    exporter = WebPDFExporter(
        exclude_input=True, disable_sandbox=True, browser_args=["--disable-gpu"]
    )
    pdf, _ = exporter.from_notebook_node(notebook)
    return bytes(pdf)


def main(way: str, notebook: str, out: str) -> int:
    import nbformat

    content = nbformat.read(notebook, as_version=4)
    Path(out).write_bytes({"ours": ours, "webpdf": webpdf}[way](content))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
