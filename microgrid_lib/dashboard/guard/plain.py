"""Answers that aren't pages: security headers, and errors as a number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tornado.web import RequestHandler as _Handler
else:
    _Handler = object


class Plain(_Handler):
    """Comes before the base of any handler whose answers no person reads."""

    def set_default_headers(self) -> None:
        """Security headers, and nothing about the server's software."""
        for name, value in self.settings["headers"].items():
            self.set_header(name, value)
        self.clear_header("Server")

    def write_error(self, status_code: int, **_: Any) -> None:
        """Say the number alone."""
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(f"{status_code}\n")
