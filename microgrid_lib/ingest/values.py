"""SQL of the rule for single values: what is stored of a value as written, and what is refused.

Values are in the channel's unit, that is as written times the channel's factor. A sentinel, an
empty cell and NaN are missing; what lies outside the plausible range is refused.
"""

from __future__ import annotations

from collections.abc import Mapping

from microgrid_lib.site.profile import Channel, Site

OUTSIDE = "outside"
"""Column of the raw table: in rows with an implausible value, such values by channel."""


def value_columns(site: Site, written: Mapping[str, str]) -> str:
    """SQL of the columns of a raw table but its time.

    Parameters
    ----------
    site
        Ranges, factors, sentinels.
    written
        Channel -> SQL of its value as written (DOUBLE).

    Returns
    -------
    str
        A column per channel (what is stored, NULL where missing or refused) and `OUTSIDE`: NULL,
        or where a value of the row may be refused, a list with a place per channel: the refused
        value or NULL.
    """
    stored, strange, refused = [], [], []
    for name, value in written.items():
        channel = site.channels[name]
        low, high = channel.range
        scaled = value if channel.factor == 1.0 else f"({value} * {channel.factor!r})"
        inside = f"{scaled} BETWEEN {low!r} AND {high!r}"
        sentinel = _sentinel(site, value)
        accepted = inside
        if sentinel and _may_be_plausible(site, channel):
            accepted = f"{inside} AND NOT ({sentinel})"
        stored.append(f'CASE WHEN {accepted} THEN {scaled} END AS "{name}"')
        implausible = f"NOT ({inside})" + (f" AND NOT ({sentinel})" if sentinel else "")
        strange.append(f"({implausible})")
        refused.append(f"CASE WHEN {implausible} AND NOT isnan({value}) THEN {scaled} END")
    outside = f"CASE WHEN {' OR '.join(strange)} THEN [{', '.join(refused)}] END AS {OUTSIDE}"
    return ", ".join([*stored, outside])


def _sentinel(site: Site, value: str) -> str:
    """SQL: whether a value as written means "missing"; empty where the site has no such values."""
    return " OR ".join(f"{value} = {sentinel!r}" for sentinel in site.sentinels)


def _may_be_plausible(site: Site, channel: Channel) -> bool:
    """Whether a sentinel lies inside the plausible range, so that the range alone won't do."""
    low, high = channel.range
    return any(low <= sentinel * channel.factor <= high for sentinel in site.sentinels)
