"""The model of a part: what it shows, or why it shows nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from traitlets import Any as AnyTrait
from traitlets import Enum, HasTraits, Int, Unicode

from microgrid_lib.dashboard.loaded import Loaded
from microgrid_lib.errors import MicrogridError, NoDataError

Prepare = Callable[[Loaded], Any]


class PartModel(HasTraits):
    """What a part shows; no widgets.

    Parameters
    ----------
    prepare
        Computes `content` for a view; a mistake or a lack of data becomes the message.

    Attributes
    ----------
    status
        `idle` before it was first shown, then `ready`, `empty` (no data in the window) or
        `error`.
    message
        One line for `empty` and `error`.
    content
        What is drawn when `ready`.
    loaded
        The view it was computed for.
    version
        Counts the computations: a view that observes it draws once for each.
    """

    status = Enum(("idle", "ready", "empty", "error"), "idle")
    message = Unicode()
    content = AnyTrait(allow_none=True)
    loaded = AnyTrait(allow_none=True)
    version = Int()

    def __init__(self, prepare: Prepare) -> None:
        super().__init__()
        self._prepare = prepare
        self._key: tuple[str, ...] | None = None

    def stale(self, loaded: Loaded) -> bool:
        """Whether the data or the view has changed since this was computed."""
        return self._key != loaded.key

    def load(self, loaded: Loaded) -> None:
        """Compute the part for a view, unless it already shows it."""
        if self.stale(loaded):
            self.compute(loaded)

    def compute(self, loaded: Loaded) -> None:
        """Compute the part for a view, also where only what the viewer set on it has changed."""
        key = loaded.key
        content: Any = None
        status, message = "ready", ""
        try:
            content = self._prepare(loaded)
        except NoDataError as error:
            status, message = "empty", str(error)
        except MicrogridError as error:
            status, message = "error", str(error)
        self._key = key
        with self.hold_trait_notifications():
            self.loaded = loaded
            self.content = content
            self.message = message
            self.status = status
            self.version += 1
