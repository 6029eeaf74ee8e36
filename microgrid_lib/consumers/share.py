"""Which share of the load is critical, by the rated power of the consumers."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from microgrid_lib.consumers.model import ConsumerType
from microgrid_lib.consumers.query import ConsumerQuery
from microgrid_lib.consumers.store import ConsumerStore


class RatedShare(BaseModel):
    """A share by rated power.

    Attributes
    ----------
    share
        Critical consumers' rated power over that of all, 0-1.
    rated_kw
        Rated power of all [kW].
    counted, without
        Consumers with a rated power, and those that state none and don't count.
    """

    model_config = ConfigDict(frozen=True)

    share: float
    rated_kw: float
    counted: int
    without: int


def rated_share(store: ConsumerStore, site: str) -> RatedShare | None:
    """Compute the share of a site; None where no consumer states a rated power above zero."""
    consumers = store.select(ConsumerQuery(site=site))
    rated = [(one.type, one.rated_power_kw) for one in consumers if one.rated_power_kw is not None]
    total = sum(power for _, power in rated)
    if total <= 0:
        return None
    critical = sum(power for kind, power in rated if kind is ConsumerType.critical)
    return RatedShare(
        share=critical / total,
        rated_kw=total,
        counted=len(rated),
        without=len(consumers) - len(rated),
    )
