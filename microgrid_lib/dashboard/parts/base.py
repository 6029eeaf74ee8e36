"""What every part of a section is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from microgrid_lib.dashboard.loaded import Loaded
from microgrid_lib.dashboard.parts.model import PartModel
from microgrid_lib.report.pages import Passage


class Part(ABC):
    """A piece of a section, such as its cards and charts, a map, a table.

    Attributes
    ----------
    slow
        Whether it takes so long to load that the page is shown before it is.
    gradual
        Whether it fills its place piece by piece, which the browser can begin to draw.
    widget
        What stands on the page.
    """

    slow: ClassVar[bool] = False
    gradual: ClassVar[bool] = False
    widget: Any

    @abstractmethod
    def load(self, loaded: Loaded) -> None:
        """Show a view; does nothing where it already shows it."""

    @abstractmethod
    def stale(self, loaded: Loaded) -> bool:
        """Whether the part shows something else than this view."""

    def passage(self) -> Passage | None:
        """Give what the part shows to a document; None where it shows nothing."""
        return None


class ModelPart(Part):
    """A part whose model is recomputed for every view.

    Parameters
    ----------
    model
        Holds what is shown; the view observes it.
    """

    def __init__(self, model: PartModel) -> None:
        self.model = model

    def load(self, loaded: Loaded) -> None:
        """Compute the model for a view."""
        self.model.load(loaded)

    def stale(self, loaded: Loaded) -> bool:
        """Whether the model was computed for another view."""
        return self.model.stale(loaded)
