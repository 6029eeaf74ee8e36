"""What every piece of the consumers' page works with: the store, the site, who asks, the message.

No widgets here: the pieces are tested without any.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any

from traitlets import Any as AnyTrait
from traitlets import HasTraits

from microgrid_lib.access import AccessDeniedError, Actor
from microgrid_lib.consumers.access import Action, may
from microgrid_lib.consumers.store import ConsumerStore
from microgrid_lib.dashboard.page import Page
from microgrid_lib.errors import MicrogridError
from microgrid_lib.present.texts import Texts, texts_for
from microgrid_lib.settings import Settings
from microgrid_lib.site.profile import Site


@dataclass(frozen=True)
class Message:
    """One line on what happened, in whatever language it is read.

    Attributes
    ----------
    key, params
        Of the catalogue; without a key, `params["text"]` is the line itself.
    bad
        Whether something went wrong.
    """

    key: str = ""
    params: dict[str, Any] = field(default_factory=dict)
    bad: bool = False

    def text(self, texts: Texts) -> str:
        """The line in a language."""
        return texts(self.key, **self.params) if self.key else str(self.params.get("text", ""))


class Desk(HasTraits):
    """The store of the consumers, and what is said about the last thing done with it.

    Parameters
    ----------
    page
        Tells who looks and what the settings are.
    site, texts
        Site and language to begin with.

    Attributes
    ----------
    message
        A `Message`, or None.
    """

    message = AnyTrait(allow_none=True)
    texts = AnyTrait()

    def __init__(self, page: Page, site: Site, texts: Texts | None = None) -> None:
        super().__init__(texts=texts or texts_for("en"))
        self._page = page
        self._store: ConsumerStore | None = None
        self._listeners: list[Callable[[], None]] = []
        self.site = site

    @property
    def store(self) -> ConsumerStore:
        """The store, opened when first asked for.

        Raises
        ------
        MicrogridError
            The database can't be opened.
        """
        if self._store is None:
            self._store = ConsumerStore.open(self._page.settings)
        return self._store

    @property
    def settings(self) -> Settings:
        """The settings, read afresh."""
        return self._page.settings

    @property
    def actor(self) -> Actor:
        """Who asks."""
        return self._page.visitor

    @property
    def zone(self) -> tzinfo:
        """The zone times are shown in."""
        return self.site.display_zone

    @property
    def can_edit(self) -> bool:
        """Whether the visitor's role allows changes; the library checks it again at each."""
        return may(self.actor, Action.update)

    def say(self, key: str, **params: Any) -> None:
        """Say what was done."""
        self.message = Message(key, params)

    def refuse(self, key: str, **params: Any) -> None:
        """Say why something isn't done."""
        self.message = Message(key, params, bad=True)

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Turn a mistake, or a role that isn't enough, into the message."""
        try:
            yield
        except AccessDeniedError as error:
            self.refuse("consumers.denied", name=error.name, role=str(error.role))
        except MicrogridError as error:
            self.message = Message(params={"text": str(error)}, bad=True)

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call a function after every change made here."""
        self._listeners.append(listener)

    def changed(self) -> None:
        """Tell that the stored consumers were changed here."""
        for listener in self._listeners:
            listener()
