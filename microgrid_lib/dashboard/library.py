"""The part of the library the dashboard asks, behind one small interface."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from microgrid_lib.api import SiteData


class Library(Protocol):
    """Sites, profiles and their data."""

    def sites(self) -> Mapping[str, str]:
        """Names of the sites with their titles."""
        ...

    def profiles(self, site: str) -> Mapping[str, str]:
        """Names of a site's profiles with their titles, the default one first."""
        ...

    def open_site(self, name: str, profile: str) -> SiteData:
        """Open a site's data under a profile."""
        ...


class InstalledLibrary:
    """`microgrid_lib.api`, imported when first asked: it brings the query engine."""

    def sites(self) -> Mapping[str, str]:
        """Names of the sites with their titles."""
        from microgrid_lib import api

        return api.sites()

    def profiles(self, site: str) -> Mapping[str, str]:
        """Names of a site's profiles with their titles, the default one first."""
        from microgrid_lib.site.load import load_site

        loaded = load_site(site)
        first = loaded.default_profile
        names = [first, *(name for name in loaded.profiles if name != first)]
        return {name: loaded.profiles[name].title for name in names}

    def open_site(self, name: str, profile: str) -> SiteData:
        """Open a site's data under a profile."""
        from microgrid_lib import api

        return api.open_site(name, profile)
