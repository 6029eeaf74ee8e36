"""The connection that all queries go through."""

from __future__ import annotations

import subprocess
import sys

INTERACTIVE = """
from pathlib import Path
from microgrid_lib.settings import Settings
from microgrid_lib.store.duck import connect, first_row
connection = connect(Settings(home=Path(".")))
sql = "SELECT value FROM duckdb_settings() WHERE name = 'enable_progress_bar'"
print(first_row(connection, sql)[0], first_row(connection.cursor(), sql)[0])
"""


def test_a_long_query_draws_no_bar_into_the_output_of_a_kernel() -> None:
    """Without a main script, as in a kernel, the engine takes itself for used interactively."""
    done = subprocess.run(
        [sys.executable, "-c", INTERACTIVE], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["false", "false"]
