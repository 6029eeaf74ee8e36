"""What notebooks, pages and the command line call: a site's data, and its numbers."""

from microgrid_lib.api.data_report import DataReport
from microgrid_lib.api.opening import open_site, sites
from microgrid_lib.api.site_data import SiteData

__all__ = ["DataReport", "SiteData", "open_site", "sites"]
