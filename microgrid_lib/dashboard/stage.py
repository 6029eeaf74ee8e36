"""A place where one thing is seen at a time, and what was there before waits out of sight."""

from __future__ import annotations

from typing import Any

import ipywidgets as widgets

AWAY = "mg-away"


class Stage:
    """Shows one thing of several, quickly: what was shown stays drawn, hidden by its style.

    Taking a widget off the page makes the browser draw all of it anew when it comes back.

    Parameters
    ----------
    css_class
        Of the box.
    """

    def __init__(self, css_class: str) -> None:
        self.widget = widgets.VBox().add_class(css_class)
        self.widget.add_class("mg-stage")

    def show(self, shown: Any) -> None:
        """Put a widget before the viewer, alone."""
        for other in self.widget.children:
            if other is not shown:
                other.add_class(AWAY)
        shown.remove_class(AWAY)
        if shown not in self.widget.children:
            self.widget.children = (*self.widget.children, shown)

    def prepare(self, waiting: Any) -> None:
        """Draw a widget out of sight, so that it is quickly shown."""
        if waiting not in self.widget.children:
            waiting.add_class(AWAY)
            self.widget.children = (*self.widget.children, waiting)

    def clear(self) -> None:
        """Take everything off the page."""
        self.widget.children = ()
