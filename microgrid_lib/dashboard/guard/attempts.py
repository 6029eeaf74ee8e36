"""Guessing slowed down: after a few failures, each further one doubles the wait."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

FREE = 5
_FORGET_S = 3600.0
_MOST = 10_000
_IPV6_HOST_BITS = 64


@dataclass(frozen=True)
class _Failures:
    count: int
    last: float


class Attempts:
    """Failures by key (an account, or an address), and how long each has to wait.

    Nobody sleeps: whoever comes too early is turned away, with the right password too. A key is
    forgotten an hour after its last failure; where there are too many keys, the one that failed
    longest ago goes first.

    Parameters
    ----------
    longest_s
        Where doubling ends [s].
    clock
        A clock that only goes forward [s].
    """

    def __init__(
        self,
        longest_s: float,
        most: int = _MOST,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._longest_s = longest_s
        self._most = most
        self._clock = clock
        self._failures: OrderedDict[str, _Failures] = OrderedDict()

    def wait_s(self, key: str) -> float:
        """How long a key has to wait before its next attempt [s]; 0 where it needn't."""
        found = self._failures.get(key)
        if found is None or found.count < FREE:
            return 0.0
        delay = min(2.0 ** min(found.count - FREE, 30), self._longest_s)
        return max(0.0, found.last + delay - self._clock())

    def fail(self, key: str) -> None:
        """Count a failure."""
        now = self._clock()
        before = self._failures.pop(key, None)
        count = 0 if before is None or now - before.last > _FORGET_S else before.count
        self._failures[key] = _Failures(count + 1, now)
        while len(self._failures) > self._most:
            self._failures.popitem(last=False)

    def succeed(self, key: str) -> None:
        """Forget the failures of a key."""
        self._failures.pop(key, None)

    def forgive(self, key: str) -> None:
        """Take back one failure."""
        found = self._failures.get(key)
        if found is not None:
            self._failures[key] = _Failures(max(0, found.count - 1), found.last)

    def __len__(self) -> int:
        """How many keys are remembered."""
        return len(self._failures)


def address_key(address: str) -> str:
    """What addresses of the same client have in common: an IPv6 client owns a whole /64."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return f"{int(parsed) >> _IPV6_HOST_BITS:x}"
    return str(parsed)
