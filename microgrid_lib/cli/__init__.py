"""`microgrid ...`: the library on the command line."""

from __future__ import annotations


def main(arguments: list[str] | None = None) -> None:
    """See `main.main`; imported when called, because processes of a pool import this too."""
    from microgrid_lib.cli.main import main as run_and_leave

    run_and_leave(arguments)


__all__ = ["main"]
