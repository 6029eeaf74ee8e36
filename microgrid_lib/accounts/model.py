"""An account as others see it, and what its name and password may be."""

from __future__ import annotations

import unicodedata
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from microgrid_lib.access import MAX_ACTOR_NAME, Actor, Role
from microgrid_lib.accounts.errors import AccountFieldError

MIN_PASSWORD = 12
MAX_PASSWORD = 1000


class Account(BaseModel):
    """Someone who may log in.

    Attributes
    ----------
    name
        As its owner writes it; two names that differ only in case are the same account.
    role
        What it may do.
    has_password
        False for one that only an authenticating proxy lets in.
    stamp
        Another one after every change of role or password: a session that carries an old one ends.
    created_at, updated_at
        [UTC]
    """

    model_config = ConfigDict(frozen=True)

    name: str
    role: Role
    has_password: bool
    stamp: str
    created_by: str
    created_at: datetime
    updated_by: str
    updated_at: datetime

    @property
    def actor(self) -> Actor:
        """The account as the one who asks for a change."""
        return Actor(self.name, self.role)


def parse_name(text: str) -> str:
    """Check the name of an account.

    Raises
    ------
    AccountFieldError
        Empty, too long, or with characters that can't be seen.
    """
    name = unicodedata.normalize("NFC", text.strip())
    if not (0 < len(name) <= MAX_ACTOR_NAME and name.isprintable()):
        raise AccountFieldError(
            f"account name {name[:MAX_ACTOR_NAME]!r} isn't allowed: "
            f"1 to {MAX_ACTOR_NAME} printable characters"
        )
    return name


def fold_name(text: str) -> str:
    """What two writings of the same name have in common: case and composition don't count."""
    return unicodedata.normalize("NFC", text.strip().casefold())


def parse_password(text: str, name: str) -> str:
    """Check a new password.

    Length is what counts; no rules on its characters, which only make people repeat themselves.

    Raises
    ------
    AccountFieldError
        Too short, too long, the account's name, or the same character throughout. The password is
        never part of the message.
    """
    password = normal_password(text)
    if len(password) < MIN_PASSWORD:
        raise AccountFieldError(f"the password is too short: at least {MIN_PASSWORD} characters")
    if len(password) > MAX_PASSWORD:
        raise AccountFieldError(f"the password is too long: at most {MAX_PASSWORD} characters")
    if fold_name(password) == fold_name(name):
        raise AccountFieldError("the password is the account's name: choose another")
    if len(set(password)) == 1:
        raise AccountFieldError("the password repeats a single character: choose another")
    return password


def normal_password(text: str) -> str:
    """Bring a typed password into one form: keyboards compose accents differently."""
    return unicodedata.normalize("NFC", text)
