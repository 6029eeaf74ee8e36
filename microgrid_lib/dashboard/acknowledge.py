"""The form that acknowledges an alert: choose one, write a note, send."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import ipywidgets as widgets
from traitlets import HasTraits, TraitError, Unicode, validate

from microgrid_lib.access import Actor, Role
from microgrid_lib.kpi.alert_log import MAX_NOTE
from microgrid_lib.present.alerts import AlertRow
from microgrid_lib.present.texts import Texts


class Draft(HasTraits):
    """What is being written: the alert chosen, the note.

    Attributes
    ----------
    alert
        Its id; empty: none. Only one of those offered.
    note
        At most `MAX_NOTE` characters.
    """

    alert = Unicode()
    note = Unicode()

    def __init__(self) -> None:
        super().__init__()
        self._offered: dict[str, AlertRow] = {}

    @property
    def chosen(self) -> AlertRow | None:
        """The alert chosen."""
        return self._offered.get(self.alert)

    def offer(self, rows: Sequence[AlertRow]) -> None:
        """Offer these alerts; what was chosen and isn't among them no longer is."""
        self._offered = {row.id: row for row in rows}
        if self.alert not in self._offered:
            self.alert = ""

    def offers(self, alert: str) -> bool:
        """Whether an alert can be chosen."""
        return alert in self._offered

    @validate("alert")
    def _known(self, proposal: dict[str, Any]) -> str:
        alert = str(proposal["value"])
        if alert and alert not in self._offered:
            raise TraitError("no such alert is offered")
        return alert

    @validate("note")
    def _short(self, proposal: dict[str, Any]) -> str:
        return str(proposal["value"])[:MAX_NOTE]


class AcknowledgeForm:
    """The form, linked to a draft; what is written stays when new data arrive.

    Parameters
    ----------
    draft
        What is being written.
    on_send, on_show
        Called when the alert is to be acknowledged, and when its time is to be shown.
    """

    def __init__(
        self, draft: Draft, on_send: Callable[[], None], on_show: Callable[[], None]
    ) -> None:
        self._draft = draft
        self._linking = False
        self._may = False
        self._head = widgets.HTML()
        self.pick = widgets.Dropdown().add_class("mg-ack-field")
        self.note = widgets.Textarea(rows=2, continuous_update=False).add_class("mg-ack-field")
        self.send = widgets.Button(disabled=True).add_class("mg-ack-send")
        self.show = widgets.Button(disabled=True).add_class("mg-link")
        self._said = widgets.HTML().add_class("mg-ack-said")
        buttons = widgets.HBox([self.send, self.show, self._said]).add_class("mg-ack-buttons")
        self.widget = widgets.VBox([self._head, self.pick, self.note, buttons])
        self.widget.add_class("mg-ack")
        self.pick.observe(self._take_pick, "value")
        self.note.observe(lambda change: draft.set_trait("note", str(change["new"])), "value")
        draft.observe(lambda _: self._follow(), names=["alert", "note"])
        self.send.on_click(lambda _: on_send())
        self.show.on_click(lambda _: on_show())

    def offer(self, rows: Sequence[AlertRow], actor: Actor, texts: Texts) -> None:
        """Offer alerts to someone, who may only acknowledge them as an operator."""
        self._draft.offer(rows)
        self._head.value = f"<h3>{escape(texts('acknowledge.title'))}</h3>"
        self.pick.description = texts("acknowledge.alert")
        self.note.description = texts("acknowledge.note")
        self.note.placeholder = texts("acknowledge.note.hint")
        self.send.description = texts("acknowledge.send")
        self.show.description = texts("acknowledge.show")
        none = texts("acknowledge.choose" if rows else "acknowledge.nothing")
        options = ((none, ""), *((row.label, row.id) for row in rows))
        self._linking = True
        try:
            if tuple(self.pick.options) != options:
                with self.pick.hold_sync():
                    self.pick.options = options
                    self.pick.value = self._draft.alert
        finally:
            self._linking = False
        self._may = actor.is_at_least(Role.operator)
        self.note.disabled = not self._may
        if not self._may:
            self.say(texts("acknowledge.role", name=actor.name), "note")
        self._follow()

    def say(self, line: str, kind: str = "done") -> None:
        """Say what came of it; kinds: done, error, note."""
        role = "alert" if kind == "error" else "status"
        text = f'<p class="mg-ack-{kind}" role="{role}">{escape(line)}</p>' if line else ""
        self._said.value = text

    def _follow(self) -> None:
        """Bring the controls in line with the draft."""
        self._linking = True
        try:
            self.pick.value = self._draft.alert
            if self.note.value != self._draft.note:
                self.note.value = self._draft.note
        finally:
            self._linking = False
        self.send.disabled = not (self._may and self._draft.alert)
        self.show.disabled = not self._draft.alert

    def _take_pick(self, change: dict[str, Any]) -> None:
        if not self._linking:
            self._draft.alert = str(change["new"] or "")
            if self._may:
                self.say("")
