"""Files that pages are made of: styles and scripts of installed packages, nothing of anyone's."""

from __future__ import annotations

from jupyter_server.base.handlers import FileFindHandler
from voila.static_file_handler import MultiStaticFileHandler, TemplateStaticFileHandler

FILE = r"((?:[\w@-][\w@.~-]*/)*[\w@-][\w@.~-]*)"
"""Paths of files: no part begins with a dot, so none leads upwards or is hidden."""
TEMPLATE = "microgrid"


class _Headers:
    """Security headers for handlers that aren't Jupyter's, and none about the software."""

    def set_default_headers(self) -> None:
        """Set them."""
        for name, value in self.settings["headers"].items():  # type: ignore[attr-defined]
            self.set_header(name, value)  # type: ignore[attr-defined]
        self.clear_header("Server")  # type: ignore[attr-defined]


class TemplateFiles(_Headers, TemplateStaticFileHandler):  # type: ignore[misc]  # untyped base
    """Files of our template, and of those it is built on."""

    def parse_url_path(self, path: str) -> str:
        """Name the template: it isn't for the visitor to choose."""
        return str(super().parse_url_path(f"{TEMPLATE}/static/{path}"))


class LibraryFiles(_Headers, MultiStaticFileHandler):  # type: ignore[misc]  # untyped base
    """Files of Voilà."""


class WidgetFiles(_Headers, FileFindHandler):
    """Files of widget libraries."""
