"""What can be wrong with an account or a change of it."""

from __future__ import annotations

from microgrid_lib.errors import ConflictError, MicrogridError


class AccountFieldError(MicrogridError):
    """A name or password that can't be accepted."""


class AccountNotFoundError(MicrogridError):
    """Nobody of that name has an account."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"there is no account {name!r}; `microgrid users list` has them all")


class AccountExistsError(ConflictError):
    """Someone of that name has an account already; case doesn't count."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"there is an account {name!r} already")


class LastAdminError(ConflictError):
    """The change would leave accounts without any admin who can log in."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            f"{name!r} is the last admin with a password: give another account that role first, "
            "or say --even-last-admin"
        )
