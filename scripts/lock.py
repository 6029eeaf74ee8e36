"""Write the locks: one resolution of everything, and from it one lock per purpose.

python scripts/lock.py [--upgrade]

Versions stay as they are where pyproject.toml allows it, unless --upgrade is given.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COMPILE = [
    *("uv", "pip", "compile", "--universal", "--python-version", "3.11", "--no-python-downloads"),
    *("--fork-strategy", "fewest", "--generate-hashes", "--no-emit-index-url", "--quiet"),
    *("--custom-compile-command", "make lock"),
]


def compile_lock(name: str, *options: str) -> None:
    """Resolve into `locks/<name>.txt`."""
    subprocess.run([*COMPILE, *options, "-o", f"locks/{name}.txt"], cwd=ROOT, check=True)
    print(f"locks/{name}.txt")


def main(arguments: list[str]) -> int:
    """Write every lock; stops at the first that can't be resolved."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    upgrade = ["--upgrade"] if "--upgrade" in arguments else []
    # --upgrade here too: otherwise a lock's own old versions would speak against all.txt.
    cut = ["-c", "locks/all.txt", "--no-annotate", "--upgrade"]
    try:
        compile_lock("all", "pyproject.toml", "--all-extras", "--group", "setup", *upgrade)
        for extra in project["optional-dependencies"]:
            compile_lock(extra, "pyproject.toml", "--extra", extra, "--group", "build", *cut)
        compile_lock("setup", "--group", "setup", *cut)
    except FileNotFoundError:
        print("uv is missing: run `make lock`, which installs it", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        return error.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
