"""Why a document couldn't be made."""

from __future__ import annotations

from microgrid_lib.errors import MicrogridError


class ReportError(MicrogridError):
    """A document that can't be typeset: a package is missing, or typesetting failed."""

    exit_code = 1
