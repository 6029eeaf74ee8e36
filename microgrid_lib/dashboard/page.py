"""What a part of a section may ask of the page it stands on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from microgrid_lib.access import Actor
from microgrid_lib.dashboard.visitor import current_visitor
from microgrid_lib.settings import Settings, load_settings


class Choose(Protocol):
    """Sets the viewer's choices, as `DashboardState.change`; a mistake is shown, not raised."""

    def __call__(self, **values: str) -> None:
        """Set several choices at once."""


class Complain(Protocol):
    """Shows one line on what went wrong; an empty one takes it away."""

    def __call__(self, problem: str, /) -> None:
        """Show it."""


@dataclass(frozen=True)
class Page:
    """The page as its parts see it.

    Attributes
    ----------
    choose
        Goes elsewhere: another section, tab, period or profile.
    complain
        Says in one line what went wrong.
    sections
        Names of the sections there are to go to.
    """

    choose: Choose
    complain: Complain
    sections: tuple[str, ...] = ()

    @property
    def settings(self) -> Settings:
        """The settings, read afresh."""
        return load_settings()

    @property
    def visitor(self) -> Actor:
        """Who looks, and what their role is; in a pooled kernel this waits for a visitor."""
        return current_visitor()
