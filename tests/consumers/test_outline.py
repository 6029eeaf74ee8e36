from __future__ import annotations

import itertools
import json
import math
from pathlib import Path

import pytest

from microgrid_lib.consumers.outline import approximate_square, site_outline
from microgrid_lib.errors import FileProblem
from microgrid_lib.site.load import list_sites, load_site

ROOT = Path(__file__).resolve().parents[2]
EARTH_RADIUS_M = 6_371_000.0


@pytest.mark.parametrize("path", sorted((ROOT / "data" / "sites").glob("*.toml")))
def test_every_shipped_site_has_its_outline_shipped(path: Path, tmp_path: Path) -> None:
    site = load_site(path)
    shipped = json.loads((ROOT / "data" / "outlines" / f"{site.name}.geojson").read_text("utf-8"))
    assert shipped == approximate_square(site)
    assert site_outline(site, tmp_path) == shipped


def distance_m(a: list[float], b: list[float]) -> float:
    """Great-circle distance by the haversine formula."""
    (lon1, lat1), (lon2, lat2) = ([math.radians(value) for value in point] for point in (a, b))
    half = (
        math.sin((lat2 - lat1) / 2) ** 2
        + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    )
    return 2 * EARTH_RADIUS_M * math.asin(math.sqrt(half))


@pytest.mark.parametrize("name", list(list_sites(Path("nowhere"))))
def test_an_outline_is_a_closed_square_around_the_site_and_says_it_is_approximate(
    name: str,
) -> None:
    site = load_site(name, Path("nowhere"))
    (feature,) = approximate_square(site, half_side_m=100)["features"]
    (ring,) = feature["geometry"]["coordinates"]
    assert ring[0] == ring[-1]
    for start, end in itertools.pairwise(ring):
        assert distance_m(start, end) == pytest.approx(200, rel=0.01)
    centre = [sum(corner[axis] for corner in ring[:4]) / 4 for axis in (0, 1)]
    assert centre == pytest.approx([site.longitude, site.latitude], abs=1e-6)
    assert feature["properties"]["approximate"] is True


def test_a_homes_own_outline_wins(tmp_path: Path) -> None:
    site = load_site("mesa_del_sol", tmp_path)
    own = {"type": "FeatureCollection", "features": []}
    (tmp_path / "outlines").mkdir()
    path = tmp_path / "outlines" / "mesa_del_sol.geojson"
    path.write_text(json.dumps(own), encoding="utf-8")
    assert site_outline(site, tmp_path) == own
    for text, problem in (("{", "isn't valid GeoJSON"), ("[]", "isn't a GeoJSON Feature")):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(FileProblem, match=problem):
            site_outline(site, tmp_path)


def test_a_site_of_ones_own_gets_a_square(tmp_path: Path) -> None:
    site = load_site("mesa_del_sol", tmp_path).model_copy(update={"name": "own"})
    assert site_outline(site, tmp_path) == approximate_square(site)
