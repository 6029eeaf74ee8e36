"""Runs the command line in this process."""

from __future__ import annotations

import contextlib
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from microgrid_lib.cli.main import run


@dataclass(frozen=True)
class Outcome:
    """What a command gave back."""

    code: int
    out: str
    err: str

    def done(self) -> str:
        """Standard output of a command that went well and said nothing else."""
        assert (self.code, self.err) == (0, "")
        return self.out

    def shaped(self, model: type[BaseModel]) -> Any:
        """The one JSON object it printed, with exactly the keys and values of the model."""
        printed = json.loads(self.out)
        read = model.model_validate(printed)
        assert json.loads(read.model_dump_json()) == printed
        return read

    def refused(self, code: int) -> str:
        """The one line of a command that ended with that code."""
        assert (self.code, self.out) == (code, "")
        assert self.err.startswith("microgrid: ")
        assert self.err.endswith("\n")
        assert self.err.count("\n") == 1
        assert "Traceback" not in self.err
        return self.err


@dataclass(frozen=True)
class DemoHome:
    """A home that `microgrid demo` has filled with June 2022, and what it said."""

    path: Path
    made: Outcome


def call(*arguments: str) -> Outcome:
    """Run a command."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(list(arguments))
    return Outcome(code, out.getvalue(), err.getvalue())
