"""The reports made so far, as whoever may see them finds them: files of one folder, no others."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from microgrid_lib.access import Actor, Role, require_role
from microgrid_lib.errors import StoreError, UnknownNameError
from microgrid_lib.report.manifest import Manifest, read_manifest
from microgrid_lib.report.orders import Kind
from microgrid_lib.settings import Settings

READ, MAKE = Role.viewer, Role.operator
"""Who may read reports, and who may make them on the server."""

_NAMED = 5


@dataclass(frozen=True)
class PastReport:
    """A report that lies in the folder of reports.

    Attributes
    ----------
    file
        Its name in the folder.
    size
        Of the file [bytes].
    kind, period, section, language
        What it is; see `orders.ReportOrder`.
    made
        When (UTC).
    """

    file: str
    size: int
    kind: Kind
    site: str
    period: str
    section: str
    language: str
    pages: int
    empty: bool
    made: datetime


def past_reports(settings: Settings, actor: Actor, site: str) -> list[PastReport]:
    """Reports on a site that lie in the home's folder with their manifests, the newest first.

    Raises
    ------
    AccessDeniedError
        The actor may not read reports.
    """
    require_role(actor, READ, "read reports")
    found = []
    for path in sorted(settings.reports.glob("*.json")):
        manifest = read_manifest(path)
        past = None if manifest is None else _past(settings.reports, path, manifest)
        if past is not None and past.site == site:
            found.append(past)
    return sorted(found, key=lambda one: (one.made, one.file), reverse=True)


def read_report(settings: Settings, actor: Actor, site: str, file: str) -> bytes:
    """Read a report of a site.

    Parameters
    ----------
    file
        A name that `past_reports` gives; any other is unknown, wherever it may point.

    Raises
    ------
    AccessDeniedError
        The actor may not read reports.
    UnknownNameError
        There is no such report.
    StoreError
        It can't be read.
    """
    known = [one.file for one in past_reports(settings, actor, site)]
    if file not in known:
        raise UnknownNameError("report", file, known[:_NAMED])
    try:
        return (settings.reports / file).read_bytes()
    except OSError as error:
        raise StoreError(f"{file} can't be read: {error.strerror or error}") from error


def may_make(actor: Actor) -> bool:
    """Whether an actor may make reports on the server."""
    return actor.is_at_least(MAKE)


def require_making(actor: Actor) -> None:
    """Refuse who may not make reports.

    Raises
    ------
    AccessDeniedError
        The actor may not.
    """
    require_role(actor, MAKE, "make reports")


def _past(folder: Path, beside: Path, manifest: Manifest) -> PastReport | None:
    """Take a manifest at its word only as far as the file beside it goes."""
    if manifest.file != f"{beside.stem}.pdf":
        return None
    try:
        found = (folder / manifest.file).lstat()
        kind = Kind(manifest.kind)
    except (OSError, ValueError):
        return None
    # A link could lead out of the folder.
    if not stat.S_ISREG(found.st_mode):
        return None
    given = manifest.parameters
    return PastReport(
        file=manifest.file,
        size=found.st_size,
        kind=kind,
        site=manifest.site,
        period=str(given.get("period") or ""),
        section=str(given.get("section") or ""),
        language=str(given.get("language") or ""),
        pages=manifest.pages,
        empty=manifest.status == "empty",
        made=manifest.made,
    )
