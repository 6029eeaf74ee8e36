"""The known sites, and one of them opened."""

from __future__ import annotations

from pathlib import Path

from microgrid_lib.api.site_data import SiteData
from microgrid_lib.errors import SiteError
from microgrid_lib.settings import Settings, load_settings
from microgrid_lib.site.load import list_sites, load_site


def sites() -> dict[str, str]:
    """Names of the known sites with their titles; a broken site file is left out."""
    found = {}
    home = load_settings().home
    for name in list_sites(home):
        try:
            found[name] = load_site(name, home).title
        except SiteError:
            continue
    return found


def open_site(
    name: str | Path | None = None,
    profile: str | None = None,
    settings: Settings | None = None,
) -> SiteData:
    """Open a site's data for reading.

    Parameters
    ----------
    name
        Name or path of a site file; default: the setting `site`.
    profile
        Default: the site's own default.
    settings
        Default: read afresh.

    Raises
    ------
    UnknownNameError, SiteError
        No such site or profile, or a broken site file.
    """
    chosen = settings or load_settings()
    site = load_site(name or chosen.site, chosen.home)
    return SiteData(site, site.profile(profile), chosen)
