"""Spots on the map: every consumer in exactly one, none over another."""

from __future__ import annotations

import json
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgrid_lib.consumers.model import Consumer
from microgrid_lib.present.consumer_map import (
    CLUSTER_PX,
    MAX_ZOOM,
    MIN_ZOOM,
    bounds_of,
    features,
    fitting,
    look_svg,
    outline_positions,
    pattern_name,
    patterns_svg,
    spots,
    to_pixel,
    to_position,
)
from tests.consumers.drafts import HOSTILE, consumer

latitudes, longitudes = st.floats(-85, 85), st.floats(-180, 180)


def town(count: int) -> list[Consumer]:
    """Consumers on a grid of 0.001 degrees, every third critical."""
    return [
        consumer(
            number,
            latitude=35 + 0.001 * (number // 10),
            longitude=-106.6 + 0.001 * (number % 10),
            type="critical" if number % 3 == 0 else "non-critical",
        )
        for number in range(count)
    ]


@given(latitudes, longitudes, st.integers(MIN_ZOOM, MAX_ZOOM))
def test_a_place_comes_back_from_its_pixel(latitude: float, longitude: float, zoom: int) -> None:
    found = to_position(*to_pixel(latitude, longitude, zoom), zoom)
    assert found == pytest.approx((latitude, longitude), abs=1e-6)


def test_a_pixel_at_zoom_0_is_360_256ths_of_a_degree() -> None:
    assert to_pixel(0, 0, 0) == (128.0, 128.0)
    assert to_pixel(0, 0, 3)[0] == 128.0 * 8
    west, east = to_pixel(35, -106.6, 15)[0], to_pixel(35, -106.59, 15)[0]
    assert east - west == pytest.approx(0.01 * 256 * 2**15 / 360)


@pytest.mark.parametrize("zoom", [MIN_ZOOM, 12, 14, 16, MAX_ZOOM])
def test_every_consumer_is_in_one_spot(zoom: int) -> None:
    everyone = town(97)
    found = spots(everyone, zoom)
    members = [one.id for spot in found for one in spot.members]
    assert sorted(members) == sorted(one.id for one in everyone)
    assert sum(spot.critical for spot in found) == sum(one.type == "critical" for one in everyone)


def test_farther_away_there_are_fewer_spots() -> None:
    counts = [len(spots(town(100), zoom)) for zoom in (10, 13, 15, 18)]
    assert counts == sorted(counts)
    assert counts[0] == 1
    assert counts[-1] == 100


@given(st.lists(st.tuples(latitudes, longitudes), min_size=1, max_size=40), st.integers(2, 18))
def test_members_of_a_spot_are_near_and_spots_begin_apart(
    places: list[tuple[float, float]], zoom: int
) -> None:
    everyone = [
        consumer(n, latitude=latitude, longitude=longitude)
        for n, (latitude, longitude) in enumerate(places)
    ]
    found = spots(everyone, zoom)
    seeds = [to_pixel(s.members[0].latitude, s.members[0].longitude, zoom) for s in found]
    for number, spot in enumerate(found):
        for one in spot.members:
            pixel = to_pixel(one.latitude, one.longitude, zoom)
            assert math.dist(seeds[number], pixel) <= CLUSTER_PX
        assert all(math.dist(seeds[number], other) > CLUSTER_PX for other in seeds[:number])


def test_the_order_of_the_list_does_not_matter() -> None:
    everyone = town(50)
    assert features(spots(everyone, 14)) == features(spots(everyone[::-1], 14))


def test_consumers_at_one_place_can_all_be_picked_at_the_closest_zoom() -> None:
    pile = [consumer(number, latitude=35, longitude=-106.6) for number in range(30)]
    assert [spot.count for spot in spots(pile, MAX_ZOOM - 1)] == [30]
    found = spots(pile, MAX_ZOOM)
    assert [spot.count for spot in found] == [1] * 30
    pixels = [to_pixel(spot.latitude, spot.longitude, MAX_ZOOM) for spot in found]
    nearest = min(math.dist(a, b) for i, a in enumerate(pixels) for b in pixels[:i])
    assert nearest > 15


def test_what_is_sent_to_the_map_names_nobody() -> None:
    everyone = [consumer(n, name=name) for n, name in enumerate(HOSTILE)]
    for zoom in (10, MAX_ZOOM):
        sent = json.dumps(features(spots(everyone, zoom))) + patterns_svg(spots(everyone, zoom))
        assert "script" not in sent
        assert "cmd" not in sent


def test_every_spot_is_filled_with_a_look_that_is_defined() -> None:
    found = spots(town(100), 14)
    defined = set(re.findall(r'id="([\w-]+)"', patterns_svg(found)))
    assert {pattern_name(spot) for spot in found} == defined
    for feature in features(found)["features"]:
        assert feature["properties"]["style"]["fillColor"][5:-1] in defined


def test_the_shape_tells_the_type_without_colour() -> None:
    assert "<path" in look_svg(1, 1)
    assert "<path" not in look_svg(1, 0)
    several = look_svg(4, 1)
    assert ">4</text>" in several
    share, around = map(float, re.findall(r'dasharray="([\d.]+) ([\d.]+)"', several)[0])
    assert share / around == pytest.approx(0.25, abs=1e-3)


@given(latitudes, longitudes, st.floats(0, 0.5), st.floats(0, 0.5))
def test_a_rectangle_fits_the_map_and_would_not_fit_closer(
    south: float, west: float, high: float, wide: float
) -> None:
    bounds = (south, west, min(south + high, 85), min(west + wide, 180))
    centre, zoom = fitting(bounds, 640, 420)
    left, top = to_pixel(bounds[2], bounds[1], zoom)
    right, bottom = to_pixel(bounds[0], bounds[3], zoom)
    if zoom > MIN_ZOOM:
        assert right - left <= 640
        assert bottom - top <= 420
    if zoom < MAX_ZOOM and (right - left) + (bottom - top) > 0:
        assert 2 * (right - left) > 610 - 1e-6 or 2 * (bottom - top) > 390 - 1e-6
    x, y = to_pixel(*centre, zoom)
    assert x == pytest.approx((left + right) / 2, abs=1e-3)
    assert y == pytest.approx((top + bottom) / 2, abs=1e-3)


def test_the_outline_s_corners_are_found_whatever_its_geometry() -> None:
    polygon = {"type": "Polygon", "coordinates": [[[1, 2], [3, 4, 100]]]}
    several = {"type": "MultiPolygon", "coordinates": [[[[5, 6]]]]}
    outline = {
        "features": [
            {"geometry": polygon},
            {"geometry": several},
            {"geometry": None},
            {"geometry": {"type": "Point", "coordinates": ["x", True]}},
            7,
        ]
    }
    assert outline_positions(outline) == [(2.0, 1.0), (4.0, 3.0), (6.0, 5.0)]
    assert bounds_of(outline_positions(outline)) == (2.0, 1.0, 6.0, 5.0)
    assert outline_positions({}) == []
