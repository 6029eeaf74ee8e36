"""Secrets from the environment, or from files that it names; never from files of the project."""

from __future__ import annotations

import os
from pathlib import Path

from microgrid_lib.errors import SettingsError

_LONGEST = 65536


def read_secret(variable: str) -> str | None:
    """Read the secret of a variable.

    Parameters
    ----------
    variable
        Name of the environment variable that holds it; `<variable>_FILE` may name a file with it
        instead (its first line), which is how containers and systemd hand secrets over.

    Returns
    -------
    str or None
        None where neither is set.

    Raises
    ------
    SettingsError
        Both are set, or the file can't be read. The secret is never part of the message.
    """
    value, named = os.environ.get(variable), os.environ.get(f"{variable}_FILE")
    if value and named:
        raise SettingsError(f"{variable} and {variable}_FILE are both set: unset one")
    if not named:
        return value or None
    try:
        with Path(named).open("rb") as source:
            text = source.read(_LONGEST).decode("utf-8-sig")
    except OSError as error:
        raise SettingsError(f"{variable}_FILE={named!r}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{variable}_FILE={named!r}: isn't UTF-8 text") from None
    lines = text.splitlines()
    return lines[0] if lines and lines[0] else None


def require_secret(variable: str) -> str:
    """Read a secret that must be there; as `read_secret`.

    Raises
    ------
    SettingsError
        Neither variable is set, too.
    """
    secret = read_secret(variable)
    if secret is None:
        raise SettingsError(f"neither {variable} nor {variable}_FILE is set")
    return secret
