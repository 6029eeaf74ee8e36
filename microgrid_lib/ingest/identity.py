"""What makes a version of a file: its name, its bytes, and the rules it was cleaned by."""

from __future__ import annotations

import json

from microgrid_lib.ingest.records import FileRecord
from microgrid_lib.site.profile import Site
from microgrid_lib.store.lake import content_id


def version_id(site: Site, file: str, sha256: str) -> str:
    """Id of a file's version under the site's rules of today (16 hex digits)."""
    return content_id(site.name, file, sha256, _rules(site))


def is_outdated(site: Site, record: FileRecord) -> bool:
    """Whether a file was cleaned by other rules than the site file has today."""
    return record.ingest != version_id(site, record.file, record.sha256)


def _rules(site: Site) -> str:
    """What of the site file decides how files are cleaned."""
    kept = {"interval_s", "source_timezone", "display_timezone", "doubled_hour", "sentinels"}
    content = site.model_dump(mode="json", include=kept | {"channels", "sources"})
    return json.dumps(content, sort_keys=True)
