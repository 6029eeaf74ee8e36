"""The page's own script and the kernel, talking through two hidden widgets.

Outwards, data attributes tell the page its address, language and theme. Inwards, the page writes
`at=<now>` (it is there), `theme=dark` or `query=site=...` (going back in the browser's history)
into a text field. Without the script, as in JupyterLab, nothing depends on it.
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any
from urllib.parse import parse_qs

import ipywidgets as widgets

from microgrid_lib.dashboard.state import DashboardState
from microgrid_lib.errors import MicrogridError

_LONGEST = 2000


class Bridge:
    """Hidden widgets that keep the page's address, language and theme as the state says.

    Parameters
    ----------
    state
        The viewer's choices.
    on_problem
        Called with one line when the page asks for something that doesn't exist.
    on_page
        Called when the page is there, at each of its messages.
    """

    def __init__(
        self,
        state: DashboardState,
        on_problem: Callable[[str], None],
        on_page: Callable[[], None],
    ) -> None:
        self._state = state
        self._on_page = on_page
        self._on_problem = on_problem
        self._out = widgets.HTML()
        self._in = widgets.Text(continuous_update=False).add_class("mg-bridge-in")
        self.widget = widgets.Box([self._out, self._in]).add_class("mg-bridge")
        self._in.observe(self._receive, "value")
        state.observe(lambda _: self._send(), names=["view", "section", "tab", "theme", "refresh"])
        self._send()

    def _send(self) -> None:
        state = self._state
        query = escape(state.query(), quote=True)
        self._out.value = (
            f'<span class="mg-bridge-out" data-query="{query}" '
            f'data-language="{state.language}" data-theme="{state.theme}"></span>'
        )

    def _receive(self, change: dict[str, Any]) -> None:
        message = parse_qs(str(change["new"])[:_LONGEST])
        if not message:
            return
        self._on_page()
        try:
            if "theme" in message:
                self._state.change(theme=message["theme"][0])
            if "query" in message:
                self._state.apply_query(message["query"][0])
        except MicrogridError as error:
            self._on_problem(str(error))
