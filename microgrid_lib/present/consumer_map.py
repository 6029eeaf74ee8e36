"""Consumers on a map: points that would overlap are one spot, at every zoom level anew.

Distances are in pixels of the Web Mercator map (256 pixels around the world at zoom 0), as Leaflet
draws it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from microgrid_lib.consumers.model import Consumer, ConsumerType

MIN_ZOOM, MAX_ZOOM = 2, 19
CLUSTER_PX = 44.0
"""Points closer than this are one spot [px]."""
_STACK_PX = 20.0
_SPIRAL_PX = 17.0
_GOLDEN_ANGLE = math.pi * (3 - math.sqrt(5))
_TILE_PX = 256.0
_MAX_LATITUDE = 85.05
_MARGIN_PX = 30.0
_ONE_ZOOM = 17
SMALLEST_PX, LARGEST_PX = 15.0, 24.0

Pixel = tuple[float, float]
Position = tuple[float, float]
Bounds = tuple[float, float, float, float]
"""South, west, north, east [degrees]."""


@dataclass(frozen=True)
class Spot:
    """One or several consumers, drawn as one.

    Attributes
    ----------
    members
        At least one.
    latitude, longitude
        Where it is drawn [degrees].
    """

    members: tuple[Consumer, ...]
    latitude: float
    longitude: float

    @property
    def key(self) -> str:
        """Names the spot: the id of its first member."""
        return self.members[0].id

    @property
    def count(self) -> int:
        """How many consumers it stands for."""
        return len(self.members)

    @property
    def critical(self) -> int:
        """How many of them are critical."""
        return sum(one.type is ConsumerType.critical for one in self.members)

    @property
    def radius_px(self) -> float:
        """Radius of what is drawn [px]; it grows with the number of consumers."""
        if self.count == 1:
            return 11.0
        return min(LARGEST_PX, SMALLEST_PX + 3 * math.log10(self.count))

    @property
    def bounds(self) -> Bounds:
        """The rectangle its members lie in."""
        return bounds_of((one.latitude, one.longitude) for one in self.members)


def to_pixel(latitude: float, longitude: float, zoom: float) -> Pixel:
    """Where a place is on the map of the whole world [px], x eastwards and y southwards."""
    size = _TILE_PX * 2.0**zoom
    bounded = math.radians(max(-_MAX_LATITUDE, min(_MAX_LATITUDE, latitude)))
    y = 0.5 - math.asinh(math.tan(bounded)) / (2 * math.pi)
    return (longitude + 180) / 360 * size, y * size


def to_position(x: float, y: float, zoom: float) -> Position:
    """Latitude and longitude [degrees] of a pixel."""
    size = _TILE_PX * 2.0**zoom
    latitude = math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * y / size))))
    return latitude, x / size * 360 - 180


def spots(consumers: Iterable[Consumer], zoom: float) -> list[Spot]:
    """Put consumers that would overlap into one spot.

    At the closest zoom nothing is put together; consumers at one place are drawn around it, so that
    each can be picked.

    Parameters
    ----------
    zoom
        Zoom level of the map.
    """
    closest = zoom >= MAX_ZOOM
    found = []
    for group in _groups(consumers, zoom, _STACK_PX if closest else CLUSTER_PX):
        members = tuple(one for one, _ in group)
        x = sum(pixel[0] for _, pixel in group) / len(group)
        y = sum(pixel[1] for _, pixel in group) / len(group)
        if len(group) == 1:
            found.append(Spot(members, members[0].latitude, members[0].longitude))
        elif closest:
            for number, one in enumerate(members):
                reach, angle = _SPIRAL_PX * math.sqrt(number + 1), number * _GOLDEN_ANGLE
                place = to_position(x + reach * math.cos(angle), y + reach * math.sin(angle), zoom)
                found.append(Spot((one,), *place))
        else:
            found.append(Spot(members, *to_position(x, y, zoom)))
    return found


def _groups(
    consumers: Iterable[Consumer], zoom: float, reach_px: float
) -> list[list[tuple[Consumer, Pixel]]]:
    """Each consumer joins the nearest group whose first member is within reach, or begins one."""
    groups: list[list[tuple[Consumer, Pixel]]] = []
    cells: dict[tuple[int, int], list[int]] = {}
    # By id, so that the same consumers always give the same spots.
    for one in sorted(consumers, key=lambda consumer: consumer.id):
        x, y = to_pixel(one.latitude, one.longitude, zoom)
        column, row = int(x // reach_px), int(y // reach_px)
        near = [
            (math.dist((x, y), groups[index][0][1]), index)
            for dx in (-1, 0, 1)
            for dy in (-1, 0, 1)
            for index in cells.get((column + dx, row + dy), ())
        ]
        distance, nearest = min(near, default=(math.inf, -1))
        if distance <= reach_px:
            groups[nearest].append((one, (x, y)))
        else:
            cells.setdefault((column, row), []).append(len(groups))
            groups.append([(one, (x, y))])
    return groups


def bounds_of(positions: Iterable[Position]) -> Bounds:
    """The smallest rectangle around some places; there must be at least one."""
    latitudes, longitudes = zip(*positions, strict=True)
    return min(latitudes), min(longitudes), max(latitudes), max(longitudes)


def outline_positions(outline: Any) -> list[Position]:
    """Every corner of a GeoJSON outline."""
    found: list[Position] = []

    def collect(part: Any) -> None:
        if isinstance(part, list) and len(part) >= 2 and all(_is_number(v) for v in part[:2]):
            found.append((float(part[1]), float(part[0])))
        elif isinstance(part, list):
            for inner in part:
                collect(inner)

    for feature in outline.get("features", ()):
        geometry = feature.get("geometry") if isinstance(feature, dict) else None
        collect(geometry.get("coordinates") if isinstance(geometry, dict) else None)
    return found


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def fitting(bounds: Bounds, width_px: float, height_px: float) -> tuple[Position, float]:
    """The centre, and the closest zoom at which a rectangle fits a map of this size."""
    south, west, north, east = bounds
    left, top = to_pixel(north, west, 0)
    right, bottom = to_pixel(south, east, 0)
    centre = to_position((left + right) / 2, (top + bottom) / 2, 0)
    wide, high = right - left, bottom - top
    if wide == high == 0:
        return centre, float(_ONE_ZOOM)
    scale = min(
        (width_px - _MARGIN_PX) / wide if wide else math.inf,
        (height_px - _MARGIN_PX) / high if high else math.inf,
    )
    return centre, float(max(MIN_ZOOM, min(MAX_ZOOM, math.floor(math.log2(max(scale, 1.0))))))


def features(shown: Sequence[Spot]) -> dict[str, Any]:
    """Spots as GeoJSON for a layer of circles; each is filled with the pattern of its look.

    Names stay out: the page looks them up by `key`, so that nothing of them is HTML on the map.
    """
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "id": spot.key,
                "geometry": {"type": "Point", "coordinates": [spot.longitude, spot.latitude]},
                "properties": {
                    "key": spot.key,
                    "count": spot.count,
                    "style": {
                        "radius": spot.radius_px,
                        "stroke": False,
                        "fillColor": f"url(#{pattern_name(spot)})",
                        "fillOpacity": 1,
                        "className": "mg-spot",
                    },
                },
            }
            for spot in shown
        ],
    }


def pattern_name(spot: Spot) -> str:
    """Name of a spot's look: how many consumers, how many of them critical."""
    return f"mg-spot-{spot.count}-{spot.critical}"


def patterns_svg(shown: Iterable[Spot]) -> str:
    """SVG definitions of the looks that spots are filled with."""
    looks = {(spot.count, spot.critical) for spot in shown}
    inside = "".join(
        f'<pattern id="mg-spot-{count}-{critical}" width="1" height="1" viewBox="0 0 40 40">'
        f"{look_svg(count, critical)}</pattern>"
        for count, critical in sorted(looks)
    )
    return f'<svg class="mg-defs" width="0" height="0" aria-hidden="true">{inside}</svg>'


def look_svg(count: int, critical: int) -> str:
    """What a spot looks like, in a square of 40 by 40: shape tells the type, not colour alone.

    A diamond is a critical consumer, a disc a non-critical one; several are a ring, as far dark
    as they are critical, around their number.
    """
    if count == 1 and critical:
        return '<path class="mg-look-critical" d="M20 2.5 37.5 20 20 37.5 2.5 20Z"/>'
    if count == 1:
        return '<circle class="mg-look-other" cx="20" cy="20" r="15"/>'
    around = 2 * math.pi * 16
    part = around * critical / count
    small = " mg-look-small" if count > 999 else ""
    return (
        '<circle class="mg-look-middle" cx="20" cy="20" r="19"/>'
        '<circle class="mg-look-ring" cx="20" cy="20" r="16"/>'
        f'<circle class="mg-look-share" cx="20" cy="20" r="16" '
        f'stroke-dasharray="{part:.2f} {around:.2f}" transform="rotate(-90 20 20)"/>'
        f'<text class="mg-look-count{small}" x="20" y="24.5">{count}</text>'
    )
