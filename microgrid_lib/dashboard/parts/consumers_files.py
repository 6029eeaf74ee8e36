"""Files of consumers coming in and going out. No widgets."""

from __future__ import annotations

from pathlib import Path

from traitlets import Any as AnyTrait
from traitlets import HasTraits, Unicode

from microgrid_lib.consumers.importing import (
    ImportRefusedError,
    ImportReport,
    RowAction,
    import_content,
)
from microgrid_lib.consumers.reading import format_of
from microgrid_lib.dashboard.parts.consumers_desk import Desk
from microgrid_lib.errors import FileProblem

MAX_UPLOAD_BYTES = 8_000_000
"""A larger message would end the page's connection; the command line takes larger files."""
_LONGEST_NAME = 100


class Intake(HasTraits):
    """A file to be imported: examined first, imported on demand.

    Attributes
    ----------
    name
        Of the file; empty where there is none.
    report
        The `ImportReport` of what would be done, or was done; None where there is none.
    """

    name = Unicode()
    report = AnyTrait(allow_none=True)

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self._content = b""

    @property
    def ready(self) -> bool:
        """Whether the file can be imported: every row can, and something would change."""
        report: ImportReport | None = self.report
        if report is None or report.applied or report.counts[RowAction.refused]:
            return False
        return len(report.rows) > report.counts[RowAction.unchanged]

    def examine(self, name: str, content: bytes) -> None:
        """Report row by row what an import would do; nothing is changed."""
        self.drop()
        shown = "".join(c for c in name if c.isprintable())[:_LONGEST_NAME] or "?"
        if len(content) > MAX_UPLOAD_BYTES:
            self._desk.refuse("consumers.too_large", file=shown, most=MAX_UPLOAD_BYTES // 1_000_000)
            return
        with self._desk.attempt():
            report = self._run(shown, content, dry_run=True)
            self._content = content
            self.name = shown
            self.report = report
            self._desk.message = None

    def import_all(self) -> None:
        """Import every row, or none; a row that is refused by now is in the report."""
        if not self.name or self.report is None or self.report.applied:
            return
        with self._desk.attempt():
            try:
                self.report = self._run(self.name, self._content, dry_run=False)
            except ImportRefusedError as error:
                self.report = error.report
                self._desk.refuse("consumers.import_refused", file=self.name)
                return
            self._content = b""
            self._desk.say("consumers.imported", file=self.name, count=len(self.report.rows))
            self._desk.changed()

    def drop(self) -> None:
        """Forget the file."""
        self._content = b""
        self.report = None
        self.name = ""

    def _run(self, name: str, content: bytes, dry_run: bool) -> ImportReport:
        try:
            found = format_of(Path(name))
        except FileProblem:
            raise FileProblem(name, "is neither .csv nor .geojson") from None
        site, actor = self._desk.site.name, self._desk.actor
        return import_content(self._desk.store, content, found, name, site, actor, dry_run)
