"""Microgrid Monitoring: honest numbers about a microgrid, from raw files to pages.

Notebooks start here:

>>> import microgrid_lib as mg
>>> site = mg.open_site("mesa_del_sol")  # doctest: +SKIP
>>> site.kpis("2022-05-01", "2022-06-01")  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from microgrid_lib.api import SiteData

__version__ = "0.1.0"
__all__ = ["__version__", "open_site"]


def open_site(name: str | None = None, profile: str | None = None) -> SiteData:
    """Open a site's data for reading; see `microgrid_lib.api.SiteData`."""
    from microgrid_lib.api import open_site as open_

    return open_(name, profile)
