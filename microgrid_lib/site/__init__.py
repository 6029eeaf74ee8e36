"""Sites: what a microgrid's files and channels are, and how a profile reads them."""

from microgrid_lib.site.load import list_sites, load_site
from microgrid_lib.site.profile import Profile, Site

__all__ = ["Profile", "Site", "list_sites", "load_site"]
