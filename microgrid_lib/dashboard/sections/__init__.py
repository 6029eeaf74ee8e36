"""The sections of the dashboard: a new one is one entry here."""

from __future__ import annotations

from microgrid_lib.present.production import PRODUCTION
from microgrid_lib.present.sections import SectionSpec

SECTIONS: dict[str, SectionSpec] = {spec.name: spec for spec in (PRODUCTION,)}
