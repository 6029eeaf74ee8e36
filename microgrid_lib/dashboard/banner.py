"""The note on a doubtful channel, with its evidence and the switch to the other profile."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

import ipywidgets as widgets

from microgrid_lib.present.banner import Banner
from microgrid_lib.present.texts import Texts


class BannerView:
    """The banner above a section.

    Parameters
    ----------
    on_switch
        Called with the name of the profile to switch to.
    """

    def __init__(self, on_switch: Callable[[str], None]) -> None:
        self._to = ""
        self._text = widgets.HTML()
        self._evidence = widgets.HTML()
        self.switch = widgets.Button().add_class("mg-link")
        self.switch.on_click(lambda _: on_switch(self._to))
        actions = widgets.HBox([self._evidence, self.switch]).add_class("mg-banner-actions")
        self.widget = widgets.VBox([self._text, actions]).add_class("mg-banner")

    def show(self, banner: Banner | None, texts: Texts) -> None:
        """Show a banner; None takes it away."""
        self.widget.layout.display = None if banner else "none"
        if banner is None:
            return
        self._to = banner.switch_to
        self._text.value = (
            f'<p role="note" data-banner="reading"><b>{escape(banner.title)}</b> '
            f"{escape(banner.text)}</p>"
        )
        self._evidence.value = evidence_html(banner, texts)
        self.switch.description = banner.switch_text
        self.switch.layout.display = None if banner.switch_to else "none"


def evidence_html(banner: Banner, texts: Texts) -> str:
    """Write the evidence, folded."""
    cells = "".join(
        f"<tr><td>{escape(what)}</td><td>{escape(value)}</td><td>{escape(n)}</td></tr>"
        for what, value, n in banner.rows
    )
    heads = "".join(
        f'<th scope="col">{escape(texts(key))}</th>'
        for key in ("evidence.what", "evidence.value", "evidence.n")
    )
    return (
        f"<details><summary>{escape(texts('evidence.show'))}</summary>"
        f"<table><thead><tr>{heads}</tr></thead><tbody>{cells}</tbody></table></details>"
    )
