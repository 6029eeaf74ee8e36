"""Hashes that cost nothing: these tests are about doors, not about hashing."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher

from microgrid_lib.accounts import hashing


@pytest.fixture(autouse=True)
def _cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(hashing, "_HASHER", cheap)
