"""The outline of a site for its map, there without any network."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from microgrid_lib.errors import FileProblem
from microgrid_lib.resources import resource_path
from microgrid_lib.site.profile import Site

HALF_SIDE_M = 250.0
_METRES_PER_DEGREE = 111_320.0
"""Along a meridian, of a sphere; to about 0.5 %, which is enough for an approximate square."""
_DIGITS = 6


def site_outline(site: Site, home: Path) -> dict[str, Any]:
    """The outline of a site as GeoJSON.

    Taken from `<home>/outlines/<site>.geojson`, else from what is shipped, else an approximate
    square around the site's coordinates.

    Returns
    -------
    dict
        A FeatureCollection; a feature whose property `approximate` is true is no survey.

    Raises
    ------
    FileProblem
        The home's own outline can't be read.
    """
    name = f"{site.name}.geojson"
    own = home / "outlines" / name
    if own.is_file():
        return _read(own)
    try:
        return _read(resource_path("data/outlines") / name)
    except FileNotFoundError:
        return approximate_square(site)


def approximate_square(site: Site, half_side_m: float = HALF_SIDE_M) -> dict[str, Any]:
    """A square around the site's coordinates, labelled approximate.

    Parameters
    ----------
    half_side_m
        Half of the side [m].
    """
    north = half_side_m / _METRES_PER_DEGREE
    # At the poles meridians meet and no square can be drawn; a degree of longitude is kept.
    east = min(north / max(math.cos(math.radians(site.latitude)), 1e-9), 1.0)
    corners = [(-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1)]
    ring = [
        [round(site.longitude + x * east, _DIGITS), round(site.latitude + y * north, _DIGITS)]
        for x, y in corners
    ]
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "id": site.name,
                "geometry": {"type": "Polygon", "coordinates": [ring]},
                "properties": {
                    "site": site.name,
                    "title": site.title,
                    "approximate": True,
                    "note": (
                        f"Square of {2 * half_side_m:.0f} m around the coordinates of the site "
                        "file; not a survey, no building is drawn."
                    ),
                },
            }
        ],
    }


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise
    except OSError as error:
        raise FileProblem(path, f"can't be read ({error.strerror})") from None
    except (ValueError, RecursionError):
        raise FileProblem(path, "isn't valid GeoJSON") from None
    if not isinstance(content, dict) or content.get("type") != "FeatureCollection":
        raise FileProblem(path, "isn't a GeoJSON FeatureCollection")
    return content
