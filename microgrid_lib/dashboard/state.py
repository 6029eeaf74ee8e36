"""What the viewer has chosen; no widgets.

Everything set here is checked, because a viewer can set any synced trait of any widget.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlencode

from traitlets import HasTraits, Instance, TraitError, Unicode, validate

from microgrid_lib.errors import MicrogridError, UnknownNameError, WindowError
from microgrid_lib.present.periods import PERIODS
from microgrid_lib.present.texts import LANGUAGES
from microgrid_lib.window import parse_window

THEMES: tuple[str, ...] = ("auto", "light", "dark")
_QUERY_NAMES = {
    "site": "site",
    "profile": "profile",
    "period": "period",
    "start": "start",
    "end": "end",
    "section": "section",
    "tab": "tab",
    "lang": "language",
    "refresh": "refresh",
}
REFRESH_S: Mapping[str, float | None] = {
    "off": None,
    "10s": 10.0,
    "30s": 30.0,
    "1min": 60.0,
    "5min": 300.0,
}
"""How often a page looks for new data [s]; None: never."""
_DEFAULTS = {"refresh": "30s"}
_LONGEST = 64


class Catalog(Protocol):
    """The sites and profiles there are."""

    def sites(self) -> Mapping[str, str]:
        """Names of the sites with their titles."""
        ...

    def profiles(self, site: str) -> Mapping[str, str]:
        """Names of a site's profiles with their titles, the default one first."""
        ...


@dataclass(frozen=True)
class View:
    """What is looked at, as one value: sections redraw when it changes."""

    site: str
    profile: str
    period: str
    start: str
    end: str
    language: str


_CHOICES = (
    "site",
    "profile",
    "period",
    "start",
    "end",
    "language",
    "theme",
    "section",
    "tab",
    "refresh",
)


class DashboardState(HasTraits):
    """The viewer's choices.

    Parameters
    ----------
    catalog
        The sites and profiles to choose from.
    sections
        The sections to choose from, each with its tabs; no tab stands for the first.
    site, language
        What to begin with.
    """

    site = Unicode()
    profile = Unicode()
    period = Unicode("24h")
    start = Unicode()
    end = Unicode()
    language = Unicode("en")
    theme = Unicode("auto")
    section = Unicode()
    tab = Unicode()
    refresh = Unicode(_DEFAULTS["refresh"])
    view = Instance(View)

    def __init__(
        self,
        catalog: Catalog,
        sections: Mapping[str, Sequence[str]],
        site: str,
        language: str = "en",
    ) -> None:
        self._catalog = catalog
        self._sections = sections
        first_profile = next(iter(self._profiles(site)))
        first = next(iter(sections))
        super().__init__(site=site, profile=first_profile, section=first, language=language)
        self.view = self._view()
        self.observe(self._update_view, names=list(View.__dataclass_fields__))

    def change(self, **values: str) -> None:
        """Set several choices at once: all of them, or none.

        A new site brings its default profile, and ends a custom period; a new section begins with
        its first tab.

        Raises
        ------
        MicrogridError
            A choice that doesn't exist, or a period that can't be understood.
        """
        site = values.get("site", self.site)
        if site != self.site:
            values.setdefault("profile", next(iter(self._profiles(site))))
            if self.period == "custom":
                values.setdefault("period", "24h")
        if values.get("section", self.section) != self.section:
            values.setdefault("tab", "")
        if values.get("period", self.period) != "custom":
            values |= {"start": "", "end": ""}
        after = {name: values.get(name, str(getattr(self, name))) for name in _CHOICES}
        self._check(after)
        with self.hold_trait_notifications():
            for name in _CHOICES:
                setattr(self, name, after[name])

    def query(self) -> str:
        """Write the choices as a URL query that leads back to this view; the theme is left out."""
        pairs = [(key, str(getattr(self, name))) for key, name in _QUERY_NAMES.items()]
        return urlencode([(k, v) for k, v in pairs if v and v != _DEFAULTS.get(k)])

    def apply_query(self, query: str) -> None:
        """Take the choices of a URL query; names it doesn't know are ignored.

        Raises
        ------
        MicrogridError
            A choice that doesn't exist: nothing is changed then.
        """
        given = dict(parse_qsl(query.lstrip("?"), max_num_fields=50))
        values = {_QUERY_NAMES[k]: v[:_LONGEST] for k, v in given.items() if k in _QUERY_NAMES}
        if "start" in values and "end" in values:
            values.setdefault("period", "custom")
        self.change(**values)

    def _view(self) -> View:
        return View(*(str(getattr(self, name)) for name in View.__dataclass_fields__))

    def _update_view(self, _: Any) -> None:
        self.view = self._view()

    def _profiles(self, site: str) -> Mapping[str, str]:
        sites = self._catalog.sites()
        if site not in sites:
            raise UnknownNameError("site", site, list(sites))
        return self._catalog.profiles(site)

    def _check(self, values: Mapping[str, str]) -> None:
        profiles = self._profiles(values["site"])
        allowed = {
            "profile": list(profiles),
            "period": list(PERIODS),
            "language": list(LANGUAGES),
            "theme": list(THEMES),
            "section": list(self._sections),
            "refresh": list(REFRESH_S),
        }
        for kind, known in allowed.items():
            if values[kind] not in known:
                raise UnknownNameError(kind, values[kind], known)
        tabs = self._sections[values["section"]]
        if values["tab"] and values["tab"] not in tabs:
            raise UnknownNameError("tab", values["tab"], [tab for tab in tabs if tab])
        if values["period"] == "custom":
            if not values["start"] or not values["end"]:
                raise WindowError("a custom period needs a start and an end")
            parse_window(values["start"], values["end"], UTC)

    @validate(*_CHOICES)
    def _valid(self, proposal: dict[str, Any]) -> str:
        # Also reached when a single trait is set: the rest of the state is what it already is.
        name, value = proposal["trait"].name, str(proposal["value"])
        values = {other: str(getattr(self, other)) for other in _CHOICES} | {name: value}
        try:
            self._check(values)
        except MicrogridError as error:
            raise TraitError(str(error)) from None
        return value
