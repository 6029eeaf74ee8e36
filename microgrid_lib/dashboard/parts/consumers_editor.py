"""One consumer being looked at, written or changed: form, conflict, delete and undo. No widgets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from traitlets import Any as AnyTrait
from traitlets import Bool, Dict, Enum, HasTraits, Tuple

from microgrid_lib.consumers.errors import (
    ConsumerFieldError,
    ConsumerNotFoundError,
    FieldProblem,
    VersionConflictError,
)
from microgrid_lib.consumers.model import (
    CONTENT_FIELDS,
    Consumer,
    ConsumerDraft,
    check_draft,
    parse_draft,
)
from microgrid_lib.dashboard.parts.consumers_desk import Desk

EMPTY: Mapping[str, str] = dict.fromkeys(CONTENT_FIELDS, "")
PLACE = ("latitude", "longitude")
_NUMBERS = (*PLACE, "rated_power_kw")
_DECIMAL_COMMA = re.compile(r"\s*[+-]?\d*,\d+\s*", re.ASCII)
_DECIMAL = re.compile(r"\s*[+-]?\d*[.,]\d+\s*", re.ASCII)
_CLICK_DIGITS = 6
_LONGEST = 4000


@dataclass(frozen=True)
class Conflict:
    """Someone else changed or deleted the consumer meanwhile.

    Attributes
    ----------
    theirs
        As it is stored now.
    deleting
        Whether it was to be deleted, not saved.
    """

    theirs: Consumer
    deleting: bool = False


class Editor(HasTraits):
    """The form and what surrounds it.

    Attributes
    ----------
    mode
        `closed`, `new`, or `open`: a stored consumer.
    base
        The consumer as it was read; None unless `open`.
    values
        Text of every field, as typed.
    problems
        `FieldProblem` by field, of fields that were touched.
    conflict
        A `Conflict`; None where there is none.
    meanwhile
        The stored version, where others changed it while the form has changes of its own.
    confirming
        Whether it asks if the consumer is really to be deleted.
    gone
        The consumer deleted last, for the undo; None where there is none.
    history
        Audit entries of the consumer, newest first.
    """

    mode = Enum(("closed", "new", "open"), "closed")
    base = AnyTrait(allow_none=True)
    values = Dict(default_value=dict(EMPTY))
    problems = Dict()
    conflict = AnyTrait(allow_none=True)
    meanwhile = AnyTrait(allow_none=True)
    confirming = Bool(False)
    gone = AnyTrait(allow_none=True)
    history = Tuple()

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        desk.observe(lambda _: self._speak(), "texts")

    @property
    def dirty(self) -> bool:
        """Whether something was typed that isn't stored; a place alone doesn't count."""
        if self.mode == "new":
            return any(value for name, value in self.values.items() if name not in PLACE)
        return self.mode == "open" and self.cleaned() != form_values(self.base)

    def begin(self, latitude: float | None = None, longitude: float | None = None) -> None:
        """Begin a new consumer, or move the one that is being written to a place."""
        if self.mode == "new":
            self.place(latitude, longitude)
        elif self._free():
            self._open(None, "new", dict(EMPTY))
            self.place(latitude, longitude)

    def place(self, latitude: float | None, longitude: float | None) -> None:
        """Set the place, as after a click on the map or a drag."""
        if self.mode == "closed" or latitude is None or longitude is None:
            return
        # A map that shows the world several times over counts on beyond 180 degrees.
        around = (longitude + 180) % 360 - 180
        for name, degrees in zip(PLACE, (latitude, around), strict=True):
            self.type(name, self._spoken(name, number_text(round(degrees, _CLICK_DIGITS))))

    def select(self, consumer_id: str) -> None:
        """Look at a stored consumer of the site."""
        if self.base is not None and self.base.id == consumer_id:
            return
        if not self._free():
            return
        with self._desk.attempt():
            found = self._desk.store.get(consumer_id)
            if found.site != self._desk.site.name or found.deleted:
                raise ConsumerNotFoundError(consumer_id)
            self._show(found)
            self._desk.message = None

    def type(self, name: str, text: str) -> None:
        """Take what was typed into a field, and say at once what is wrong with it."""
        if name not in EMPTY or self.values[name] == text or self.mode == "closed":
            return
        self.values = self.values | {name: str(text)[:_LONGEST]}
        self.problems = {
            field: problem
            for field, problem in self._all_problems().items()
            if field == name or field in self.problems
        }

    def save(self) -> None:
        """Store what is in the form; a mistake, a conflict or a refusal leaves it as it is."""
        if self.mode == "closed":
            return
        with self._desk.attempt():
            try:
                draft = self._draft()
            except ConsumerFieldError as error:
                self.problems = _by_field(error.problems)
                self._desk.refuse("consumers.mend")
                return
            store, actor = self._desk.store, self._desk.actor
            if self.base is None:
                self._saved(store.add(self._desk.site.name, draft, actor), "consumers.added")
                return
            try:
                changed = store.update(self.base.id, self.base.version, draft, actor)
            except (VersionConflictError, ConsumerNotFoundError):
                self._clash(deleting=False)
                return
            self._saved(changed, "consumers.saved")

    def cancel(self) -> None:
        """Forget what was typed; a form without changes is closed."""
        self._desk.message = None
        if self.mode == "open" and self.dirty:
            with self._desk.attempt():
                self._show(self._desk.store.get(self.base.id))
        else:
            self.close()

    def close(self) -> None:
        """Look at no consumer."""
        self._open(None, "closed", dict(EMPTY))

    def leave(self) -> None:
        """Look at no consumer of another site, nor at its undo."""
        self.close()
        self.gone = None
        self._desk.message = None

    def ask_delete(self) -> None:
        """Ask whether the consumer is really to be deleted."""
        self.confirming = self.mode == "open"

    def keep(self) -> None:
        """Don't delete it."""
        self.confirming = False

    def delete(self) -> None:
        """Delete the consumer; only after it was asked."""
        if self.confirming and self.base is not None:
            self._delete(self.base.version)

    def undo(self) -> None:
        """Bring back the consumer deleted last."""
        gone = self.gone
        if gone is None or not self._free():
            return
        with self._desk.attempt():
            back = self._desk.store.restore(gone.id, self._desk.actor)
            self.gone = None
            self._saved(back, "consumers.restored")

    def take_theirs(self) -> None:
        """Forget what was typed and show what is stored."""
        conflict, self.conflict = self.conflict, None
        if conflict is None:
            return
        self._desk.message = None
        if conflict.theirs.deleted:
            self.close()
        else:
            self._show(conflict.theirs)

    def overwrite(self) -> None:
        """Store what was typed although others changed the consumer, or delete it nevertheless."""
        conflict: Conflict | None = self.conflict
        if conflict is None or self.base is None:
            return
        if conflict.deleting:
            self._delete(conflict.theirs.version)
            return
        with self._desk.attempt():
            draft, store, actor = self._draft(), self._desk.store, self._desk.actor
            try:
                theirs = conflict.theirs
                if theirs.deleted:
                    theirs = store.restore(theirs.id, actor)
                changed = store.update(theirs.id, theirs.version, draft, actor)
            except (VersionConflictError, ConsumerNotFoundError):
                self._clash(deleting=False)
                return
            self._saved(changed, "consumers.saved")

    def go_on(self) -> None:
        """Go back to the form, with what was typed and the conflict still ahead."""
        self.conflict = None

    def follow(self) -> None:
        """Take over what others changed, unless that would lose what was typed."""
        if self.base is None or self.conflict is not None:
            return
        with self._desk.attempt():
            try:
                stored = self._desk.store.get(self.base.id)
            except ConsumerNotFoundError:
                self.close()
                return
            if stored.version == self.base.version:
                return
            if self.dirty:
                self.meanwhile = stored
            elif stored.deleted:
                self._desk.refuse("consumers.deleted_by", name=stored.name, who=stored.updated_by)
                self.close()
            else:
                self._show(stored)

    def _free(self) -> bool:
        """Whether another consumer may be looked at: nothing typed would be lost."""
        if self.dirty:
            self._desk.refuse("consumers.unsaved")
            return False
        return True

    def cleaned(self) -> dict[str, str]:
        """Values as the library reads them: French writes decimals with a comma."""
        if not self._commas:
            return dict(self.values)
        return {
            name: text.replace(",", ".")
            if name in _NUMBERS and _DECIMAL_COMMA.fullmatch(text)
            else text
            for name, text in self.values.items()
        }

    @property
    def _commas(self) -> bool:
        return bool(self._desk.texts.language == "fr")

    def _spoken(self, name: str, text: str) -> str:
        """A number as the reader's language writes it; other text as it is."""
        if name not in _NUMBERS:
            return text
        old, new = (".", ",") if self._commas else (",", ".")
        return text.replace(old, new) if _DECIMAL.fullmatch(text) else text

    def _speak(self) -> None:
        self.values = {name: self._spoken(name, text) for name, text in self.values.items()}

    def _draft(self) -> ConsumerDraft:
        return parse_draft(self.cleaned())

    def _all_problems(self) -> dict[str, FieldProblem]:
        return _by_field(check_draft(self.cleaned()))

    def _delete(self, version: int) -> None:
        self.confirming = False
        with self._desk.attempt():
            try:
                self.gone = self._desk.store.delete(self.base.id, version, self._desk.actor)
            except (VersionConflictError, ConsumerNotFoundError):
                self._clash(deleting=True)
                return
            self.close()
            self._desk.message = None
            self._desk.changed()

    def _clash(self, deleting: bool) -> None:
        """Show both versions, or say that the stored one is gone."""
        theirs = self._desk.store.get(self.base.id)
        if theirs.deleted and deleting:
            self._desk.refuse("consumers.deleted_by", name=theirs.name, who=theirs.updated_by)
            self.close()
        else:
            self._desk.message = None
            self.conflict = Conflict(theirs, deleting)
        self._desk.changed()

    def _saved(self, consumer: Consumer, key: str) -> None:
        self._show(consumer)
        self._desk.say(key, name=consumer.name)
        self._desk.changed()

    def _show(self, consumer: Consumer) -> None:
        values = form_values(consumer)
        spoken = {name: self._spoken(name, text) for name, text in values.items()}
        self._open(consumer, "open", spoken)
        self.history = tuple(self._desk.store.history(consumer.id))

    def _open(self, base: Consumer | None, mode: str, values: dict[str, str]) -> None:
        with self.hold_trait_notifications():
            self.base, self.mode, self.values = base, mode, values
            self.problems, self.history = {}, ()
            self.conflict = self.meanwhile = None
            self.confirming = False


def form_values(consumer: Consumer | None) -> dict[str, str]:
    """A consumer as the text of a form; numbers in full."""
    if consumer is None:
        return dict(EMPTY)
    found: dict[str, str] = {}
    for name in CONTENT_FIELDS:
        value: Any = getattr(consumer, name)
        found[name] = number_text(value) if isinstance(value, float) else str(value or "")
    return found


def number_text(value: float) -> str:
    """A number as it is typed: no zeros behind a whole one, every digit of another."""
    return str(int(value)) if value.is_integer() else repr(value)


def _by_field(problems: Any) -> dict[str, FieldProblem]:
    return {problem.field: problem for problem in problems}
