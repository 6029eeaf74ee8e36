"""The form of one consumer: fields, what is wrong with them, conflict, delete, history."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import ipywidgets as widgets

from microgrid_lib.consumers.model import ConsumerKind, ConsumerType, parse_draft
from microgrid_lib.dashboard.parts.consumers_desk import Desk
from microgrid_lib.dashboard.parts.consumers_editor import Conflict, Editor
from microgrid_lib.errors import MicrogridError
from microgrid_lib.present.consumers import (
    Difference,
    HistoryEntry,
    differences,
    field_label,
    history,
    kind_text,
    problem_text,
    type_text,
)
from microgrid_lib.present.texts import Texts

OPTIONAL = frozenset({"rated_power_kw", "notes"})


class FormView:
    """The form, linked to the editor both ways.

    Parameters
    ----------
    desk, editor
        What is written and stored.
    """

    def __init__(self, desk: Desk, editor: Editor) -> None:
        self._desk, self._editor = desk, editor
        self._linking = False
        self.fields: dict[str, Any] = {
            "name": widgets.Text(continuous_update=False),
            "type": widgets.Dropdown(options=[("", "")]),
            "kind": widgets.Dropdown(options=[("", "")]),
            "latitude": widgets.Text(continuous_update=False),
            "longitude": widgets.Text(continuous_update=False),
            "rated_power_kw": widgets.Text(continuous_update=False),
            "notes": widgets.Textarea(continuous_update=False, rows=3),
        }
        self.errors = {name: widgets.HTML() for name in self.fields}
        self.title = widgets.HTML().add_class("mg-chart-head")
        self._hint = widgets.HTML()
        self.new = _button("mg-primary", editor.begin)
        self.save = _button("mg-primary", editor.save)
        self.cancel = _button("mg-plain", editor.cancel)
        self.ask = _button("mg-plain", editor.ask_delete)
        self._question = widgets.HTML()
        self.delete = _button("mg-danger", editor.delete)
        self.keep = _button("mg-plain", editor.keep)
        self.confirm = widgets.HBox([self._question, self.delete, self.keep]).add_class(
            "mg-question"
        )
        self.conflict = ConflictView(desk, editor)
        self._history = widgets.HTML().add_class("mg-history")
        self._actions = widgets.HBox([self.save, self.cancel, self.ask]).add_class("mg-actions")
        self._form = widgets.VBox(
            [
                widgets.VBox([widget, self.errors[name]]).add_class("mg-row")
                for name, widget in self.fields.items()
            ]
        ).add_class("mg-form")
        self.widget = widgets.VBox(
            [
                widgets.HBox([self.title, self.new]).add_class("mg-chart-top"),
                self._hint,
                self.conflict.widget,
                self._form,
                self._actions,
                self.confirm,
                self._history,
            ]
        ).add_class("mg-chart")
        self.widget.add_class("mg-consumer")
        for name, widget in self.fields.items():
            widget.add_class("mg-field")
            widget.observe(self._take(name), "value")
        desk.observe(lambda _: self._label(), "texts")
        editor.observe(lambda _: self._draw())
        self._label()

    def _take(self, name: str) -> Callable[[dict[str, Any]], None]:
        def taken(change: dict[str, Any]) -> None:
            if not self._linking:
                self._editor.type(name, str(change["new"] or ""))

        return taken

    def _label(self) -> None:
        texts: Texts = self._desk.texts
        self._linking = True
        try:
            for name, widget in self.fields.items():
                widget.description = field_label(name, texts)
                if name in OPTIONAL:
                    widget.placeholder = texts("consumers.optional")
            none = (texts("consumers.choose"), "")
            types = [none, *((type_text(t, texts), str(t)) for t in ConsumerType)]
            kinds = [none, *((kind_text(k, texts), str(k)) for k in ConsumerKind)]
            self.fields["type"].options = types
            self.fields["kind"].options = kinds
        finally:
            self._linking = False
        self.new.description = texts("consumers.new")
        self.save.description = texts("consumers.save")
        self.ask.description = texts("consumers.delete")
        self.delete.description = texts("consumers.delete")
        self.keep.description = texts("consumers.keep")
        self._draw()

    def _draw(self) -> None:
        editor, texts, can_edit = self._editor, self._desk.texts, self._desk.can_edit
        closed, stored = editor.mode == "closed", editor.mode == "open"
        self._linking = True
        try:
            for name, widget in self.fields.items():
                value = editor.values[name]
                allowed = [v for _, v in getattr(widget, "options", ())]
                widget.value = value if not allowed or value in allowed else ""
                widget.disabled = not can_edit
                problem = editor.problems.get(name)
                text = problem_text(problem, texts) if problem else ""
                self.errors[name].value = (
                    f'<p class="mg-invalid" role="alert" data-problem="{name}">{escape(text)}</p>'
                    if text
                    else ""
                )
        finally:
            self._linking = False
        title = "" if closed else texts("consumers.new")
        if stored:
            title = editor.base.name
        heading = title or texts("consumers.form")
        self.title.value = f"<h3><bdi>{escape(heading)}</bdi></h3>"
        self._hint.value = self._hint_html(closed, can_edit)
        self.cancel.description = texts("consumers.cancel" if editor.dirty else "consumers.close")
        _show(self.new, can_edit and closed)
        _show(self._form, not closed and editor.conflict is None)
        _show(self._actions, not closed and editor.conflict is None and not editor.confirming)
        _show(self.save, can_edit)
        _show(self.ask, can_edit and stored)
        _show(self.confirm, editor.confirming)
        if stored:
            self._question.value = (
                f"<p>{escape(texts('consumers.sure', name=editor.base.name))}</p>"
            )
        self._history.value = ""
        if editor.history:
            entries = history(editor.history, self._desk.zone, texts)
            self._history.value = history_html(entries, texts)

    def _hint_html(self, closed: bool, can_edit: bool) -> str:
        texts, editor = self._desk.texts, self._editor
        lines = []
        if not can_edit:
            role = texts(f"consumers.role.{self._desk.actor.role}")
            lines.append(texts("consumers.read_only", role=role))
        elif closed:
            lines.append(texts("consumers.form.help"))
        elif editor.mode == "new":
            lines.append(texts("consumers.new.help"))
        if editor.meanwhile is not None:
            lines.append(texts("consumers.meanwhile", who=editor.meanwhile.updated_by))
        return "".join(f'<p class="mg-note">{escape(line)}</p>' for line in lines)


class ConflictView:
    """Both versions side by side, and what can be done.

    Parameters
    ----------
    desk, editor
        Where the conflict is.
    """

    def __init__(self, desk: Desk, editor: Editor) -> None:
        self._desk, self._editor = desk, editor
        self.table = widgets.HTML()
        self.theirs = _button("mg-plain", editor.take_theirs)
        self.mine = _button("mg-danger", editor.overwrite)
        self.back = _button("mg-plain", editor.go_on)
        actions = widgets.HBox([self.theirs, self.mine, self.back]).add_class("mg-actions")
        self.widget = widgets.VBox([self.table, actions]).add_class("mg-conflict")
        desk.observe(lambda _: self._draw(), "texts")
        editor.observe(lambda _: self._draw(), "conflict")
        self._draw()

    def _draw(self) -> None:
        conflict: Conflict | None = self._editor.conflict
        _show(self.widget, conflict is not None)
        if conflict is None:
            self.table.value = ""
            return
        texts, theirs = self._desk.texts, conflict.theirs
        when = texts.moment(theirs.updated_at.astimezone(self._desk.zone), seconds=True)
        happened = "deleted" if theirs.deleted else "changed"
        text = texts(f"consumers.conflict.{happened}", who=theirs.updated_by, at=when)
        rows: Sequence[Difference] = ()
        if not theirs.deleted:
            rows = self._differences(texts)
        self.table.value = conflict_html(text, rows, texts)
        end = "delete" if conflict.deleting else ("revive" if theirs.deleted else "overwrite")
        self.mine.description = texts(f"consumers.conflict.{end}")
        leave = "leave" if theirs.deleted else "reload"
        self.theirs.description = texts(f"consumers.conflict.{leave}")
        self.back.description = texts("consumers.conflict.back")

    def _differences(self, texts: Texts) -> Sequence[Difference]:
        conflict, editor = self._editor.conflict, self._editor
        try:
            mine = editor.base.draft if conflict.deleting else parse_draft(editor.cleaned())
        except MicrogridError:
            return ()
        return differences(mine, conflict.theirs.draft, texts)


def conflict_html(text: str, rows: Sequence[Difference], texts: Texts) -> str:
    """Write both versions as a table; a mark, not only colour, tells what differs."""
    if not rows:
        return f'<p role="alert" data-conflict="gone">{escape(text)}</p>'
    heads = "".join(
        f'<th scope="col">{escape(texts(key))}</th>'
        for key in (
            "consumers.conflict.field",
            "consumers.conflict.mine",
            "consumers.conflict.theirs",
        )
    )
    written = []
    said = escape(texts("consumers.conflict.differs"))
    for row in rows:
        mark, kind = "", ""
        if row.differs:
            mark = f' <b class="mg-differs">≠<span class="mg-hidden">{said}</span></b>'
            kind = ' class="mg-different"'
        written.append(
            f'<tr{kind}><th scope="row">{escape(row.label)}{mark}</th>'
            f"<td><bdi>{escape(row.mine)}</bdi></td><td><bdi>{escape(row.theirs)}</bdi></td></tr>"
        )
    return (
        f'<p role="alert" data-conflict="changed">{escape(text)}</p>'
        f"<table><thead><tr>{heads}</tr></thead><tbody>{''.join(written)}</tbody></table>"
    )


def history_html(entries: Sequence[HistoryEntry], texts: Texts) -> str:
    """Write the changes, folded."""
    items = "".join(
        f"<li>{escape(entry.title)}"
        + "".join(f'<br><span class="mg-change-line">{escape(line)}</span>' for line in entry.lines)
        + "</li>"
        for entry in entries
    )
    head = escape(texts("consumers.history", count=len(entries)))
    return f"<details><summary>{head}</summary><ol>{items}</ol></details>"


def _button(kind: str, act: Callable[[], None]) -> Any:
    button = widgets.Button().add_class(kind)
    button.on_click(lambda _: act())
    return button


def _show(widget: Any, shown: bool) -> None:
    widget.layout.display = None if shown else "none"
