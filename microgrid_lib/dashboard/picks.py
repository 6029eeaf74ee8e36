"""Buttons inside a piece of HTML: what is pressed comes back through a hidden text field.

The page's own script writes the `data-pick` of a pressed button into the field of the same box. In
JupyterLab there is no such script: whatever a pick does has a widget of its own as well.
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

import ipywidgets as widgets

_LONGEST = 200


class Picks:
    """The field that buttons of `pick_button` reach, when both stand in a box `mg-picks`.

    Parameters
    ----------
    on_pick
        Called with what was picked. It comes from the browser: check it.
    """

    def __init__(self, on_pick: Callable[[str], None]) -> None:
        self._on_pick = on_pick
        self.field = widgets.Text(continuous_update=False).add_class("mg-pick-in")
        self.widget = widgets.Box([self.field]).add_class("mg-bridge")
        self.field.observe(self._receive, "value")

    def _receive(self, change: dict[str, Any]) -> None:
        picked = str(change["new"])[:_LONGEST]
        if picked:
            # Emptied, so that the same may be picked again.
            self.field.value = ""
            self._on_pick(picked)


def pick_button(pick: str, text: str, tip: str = "", css: str = "mg-pick") -> str:
    """Write a button.

    Parameters
    ----------
    pick
        What comes back.
    text
        What stands on it.
    tip
        What pressing it does.
    """
    title = f' title="{escape(tip, quote=True)}"' if tip else ""
    return (
        f'<button type="button" class="{css}" data-pick="{escape(pick, quote=True)}"{title}>'
        f"{escape(text)}</button>"
    )
