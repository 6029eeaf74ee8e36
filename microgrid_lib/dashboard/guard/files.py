"""Files that pages are made of: styles and scripts of installed packages, nothing of anyone's."""

from __future__ import annotations

from jupyter_server.base.handlers import FileFindHandler
from voila.static_file_handler import MultiStaticFileHandler, TemplateStaticFileHandler

from microgrid_lib.dashboard.guard.plain import Plain

FILE = r"((?:[\w@-][\w@.~-]*/)*[\w@-][\w@.~-]*)"
"""Paths of files: no part begins with a dot, so none leads upwards or is hidden."""
TEMPLATE = "microgrid"


class TemplateFiles(Plain, TemplateStaticFileHandler):  # type: ignore[misc]  # untyped base
    """Files of our template, and of those it is built on."""

    def parse_url_path(self, path: str) -> str:
        """Name the template: it isn't for the visitor to choose."""
        return str(super().parse_url_path(f"{TEMPLATE}/static/{path}"))


class LibraryFiles(Plain, MultiStaticFileHandler):  # type: ignore[misc]  # untyped base
    """Files of Voilà."""


class WidgetFiles(Plain, FileFindHandler):
    """Files of widget libraries."""
