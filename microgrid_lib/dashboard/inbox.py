"""Buttons inside HTML that reach the kernel: a table of a hundred rows needs no hundred widgets.

A button with `data-mg-send="..."` below the element with class `mg-sends` is written into the
hidden field there by the page's script. What arrives may be anything: whoever takes it checks it.
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

import ipywidgets as widgets

_LONGEST = 200


class Inbox:
    """The hidden field.

    Parameters
    ----------
    take
        Called with what a button sends.

    Attributes
    ----------
    widget
        Must stand below the element with class `mg-sends`, as the buttons do.
    """

    def __init__(self, take: Callable[[str], None]) -> None:
        self._take = take
        self.widget = widgets.Text(continuous_update=False).add_class("mg-inbox")
        self.widget.observe(self._receive, "value")

    def _receive(self, change: dict[str, Any]) -> None:
        # The number behind the last blank makes the same button count twice.
        message = str(change["new"])[:_LONGEST].rpartition(" ")[0]
        if message:
            self._take(message)


def sending(message: str) -> str:
    """The attribute of a button that sends a message."""
    return f'data-mg-send="{escape(message, quote=True)}"'
