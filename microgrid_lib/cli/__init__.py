"""`microgrid ...`: the library on the command line."""

from microgrid_lib.cli.main import main

__all__ = ["main"]
