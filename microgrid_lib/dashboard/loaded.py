"""A site's data, opened for what the viewer has chosen to look at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from microgrid_lib.present.texts import Texts
from microgrid_lib.window import Window

if TYPE_CHECKING:
    from microgrid_lib.api import SiteData


@dataclass(frozen=True)
class Loaded:
    """A site's data opened for one view.

    Attributes
    ----------
    against
        What changes are against, in words.
    newest
        End of the newest sample's slot, in the display zone.
    synthetic
        Whether the data are made-up demo data.
    """

    data: SiteData
    window: Window
    texts: Texts
    against: str
    newest: datetime
    synthetic: bool

    @property
    def key(self) -> tuple[str, ...]:
        """Equal keys show equal pages."""
        data, window = self.data, self.window
        return (
            data.site.name,
            data.profile.name,
            window.start.isoformat(),
            window.end.isoformat(),
            self.texts.language,
            data.state(),
            self._minute(),
        )

    @property
    def attributes(self) -> dict[str, str]:
        """What the page says of the view to scripts, as `data-` attributes."""
        return {
            "site": self.data.site.name,
            "profile": self.data.profile.name,
            "start": self.window.start.isoformat(),
            "end": self.window.end.isoformat(),
            "language": self.texts.language,
        }

    def _minute(self) -> str:
        """The minute up to which a live site is judged: without new data its coverage falls."""
        as_of = self.data.as_of() if self.data.site.live else None
        return "" if as_of is None else as_of.strftime("%Y-%m-%dT%H:%M")
