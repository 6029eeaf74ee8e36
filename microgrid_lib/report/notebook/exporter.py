"""`jupyter nbconvert --to microgrid-pdf`: any notebook as tagged PDF/A.

What cells show of ours is typeset as in every other document; Markdown, tables, pictures and code
of an analyst's own go through pandoc. Tags `remove-cell`, `hide-input` and `hide-output` are
obeyed, and `--no-input`; a cell's metadata may give its picture `alt` and `caption`.
"""

from __future__ import annotations

from typing import Any

from nbconvert.exporters.base import Exporter
from nbformat import NotebookNode
from traitlets import Bool, Unicode, default

from microgrid_lib.report.notebook.reading import read_pages
from microgrid_lib.settings import load_settings


class MicrogridPDFExporter(Exporter):
    """Typesets a notebook that was run.

    Attributes
    ----------
    exclude_input
        Whether code is left out; `--no-input` sets it.
    language
        Of a notebook without a title block of ours; default: the setting.
    """

    export_from_notebook = "PDF by Microgrid Monitoring"
    output_mimetype = "application/pdf"
    exclude_input = Bool(help="Leave the code out.").tag(config=True)
    language = Unicode(help="Language: en or fr.").tag(config=True)

    @default("file_extension")
    def _file_extension_default(self) -> str:
        return ".pdf"

    @default("exclude_input")
    def _exclude_input_default(self) -> bool:
        return bool(self.config.TemplateExporter.get("exclude_input", False))

    @default("language")
    def _language_default(self) -> str:
        return load_settings().language

    def from_notebook_node(  # type: ignore[override]  # files are bytes here, as of nbconvert's own
        self, nb: NotebookNode, resources: Any | None = None, **kw: Any
    ) -> tuple[bytes, dict[str, Any]]:
        """Typeset a notebook.

        Returns
        -------
        tuple
            The PDF, and nbconvert's resources.

        Raises
        ------
        ReportError
            A package is missing, or a cell can't be typeset.
        """
        notebook, found = super().from_notebook_node(nb, resources, **kw)
        name = str(found.get("metadata", {}).get("name", ""))
        language = str(notebook.metadata.get("language", self.language))
        pages = read_pages(notebook, title=name, language=language, inputs=not self.exclude_input)
        return pages.pdf(), found
