"""Password hashes: argon2id, with the parameters of RFC 9106 for machines short of memory."""

from __future__ import annotations

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from microgrid_lib.accounts.model import MAX_PASSWORD, normal_password

_HASHER = PasswordHasher()
"""64 MiB, 3 passes, 4 lanes: some 50 ms a guess."""


def hash_password(password: str) -> str:
    """Hash a password, with a salt of its own."""
    return _HASHER.hash(password)


def matches(stored: str | None, typed: str) -> bool:
    """Whether a typed password is the one that was hashed.

    Takes as long where there is no hash: how long an answer takes doesn't tell who has an account.
    """
    password = normal_password(typed[: MAX_PASSWORD + 1])
    try:
        _HASHER.verify(stored or _nobodys(), password)
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


def is_outdated(stored: str) -> bool:
    """Whether a hash was made with other parameters than new ones are."""
    return _HASHER.check_needs_rehash(stored)


@cache
def _nobodys() -> str:
    return _HASHER.hash("the password of nobody")
