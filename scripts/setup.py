"""Install what a purpose needs into .venv, with nothing but Python at the start.

python scripts/setup.py dashboard [dev ...] [--run demo] [--pip]

Each purpose is a lock in locks/. Purposes add up in one .venv; a purpose that is already there, as
locked, costs no time. uv does the work where it can be had; --pip, or a uv that fails, leaves it to
pip. --run starts `microgrid <command>` afterwards.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OLDEST = (3, 11)


class SetupError(Exception):
    """What keeps us from installing, in one line."""


def purposes(root: Path) -> list[str]:
    """Names of the locks that can be asked for."""
    return sorted(path.stem for path in (root / "locks").glob("*.txt"))


def scripts_folder(environment: Path) -> Path:
    """Where a virtual environment keeps its commands."""
    return environment / ("Scripts" if os.name == "nt" else "bin")


def fingerprint(root: Path, purpose: str) -> str:
    """Hash of all that decides what a purpose installs, and where it points to."""
    digest = hashlib.sha256(str(root).encode())
    for name in ("locks/setup.txt", f"locks/{purpose}.txt", "pyproject.toml"):
        digest.update((root / name).read_bytes())
    return digest.hexdigest()


def stamp(environment: Path, purpose: str) -> Path:
    """File that remembers the fingerprint a purpose was installed with."""
    return environment / f".installed-{purpose}"


def is_installed(root: Path, environment: Path, purpose: str) -> bool:
    """Whether the environment holds the purpose as it is locked now."""
    try:
        return stamp(environment, purpose).read_text(encoding="ascii") == fingerprint(root, purpose)
    except FileNotFoundError:
        return False


def works(python: Path) -> bool:
    """Whether the environment's Python starts, is new enough and has pip."""
    check = f"import pip, sys; sys.exit(sys.version_info < {OLDEST})"
    try:
        return (
            subprocess.run([python, "-c", check], capture_output=True, check=False).returncode == 0
        )
    except OSError:
        return False


def ensure_environment(environment: Path) -> Path:
    """Make the virtual environment where there is no usable one; returns its Python."""
    python = scripts_folder(environment) / ("python.exe" if os.name == "nt" else "python")
    if works(python):
        return python
    print(f"Creating {environment.name} with Python {sys.version.split()[0]}", flush=True)
    try:
        venv.create(environment, clear=True, with_pip=True, symlinks=os.name != "nt")
    except (subprocess.CalledProcessError, OSError) as error:
        raise SetupError(
            f"can't create {environment}: {error}; "
            "on Debian or Ubuntu, install the package python3-venv first"
        ) from None
    return python


def install(root: Path, python: Path, purpose: str, *, only_pip: bool) -> None:
    """Install a lock, every file checked against its hash, then the project itself, editable."""
    pip: list[str | Path] = [
        python,
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
        "-qq",
    ]
    hashed: list[str | Path] = ["--require-hashes", "--no-deps", "-r"]
    project: list[str | Path] = ["--no-deps", "--no-build-isolation", "-e", root]
    lock = root / "locks" / f"{purpose}.txt"
    print(f"Installing {purpose} from locks/{lock.name}", flush=True)
    # Without --no-deps pip resolves anew what the lock has already resolved.
    if not only_pip and run([*pip, *hashed, root / "locks" / "setup.txt"]):
        uv: list[str | Path] = [python, "-m", "uv", "pip", "install", "--python", python, "--quiet"]
        if run([*uv, *hashed, lock]) and (purpose == "setup" or run([*uv, *project])):
            return
        print("uv could not install it: trying pip", flush=True)
    if not run([*pip, *hashed, lock]):
        raise SetupError(f"pip could not install locks/{lock.name}: see above")
    if purpose != "setup" and not run([*pip, *project]):
        raise SetupError("pip could not install the project itself: see above")


def run(command: list[str | Path]) -> bool:
    """Run a command on the terminal; whether it went well."""
    return subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def prepare(root: Path, wanted: list[str], *, only_pip: bool) -> None:
    """Bring `.venv` to hold every wanted purpose."""
    environment = root / ".venv"
    for purpose in wanted:
        if purpose not in purposes(root):
            raise SetupError(f"unknown purpose {purpose!r}; known: {', '.join(purposes(root))}")
    missing = [purpose for purpose in wanted if not is_installed(root, environment, purpose)]
    if not missing:
        return
    python = ensure_environment(environment)
    for purpose in missing:
        install(root, python, purpose, only_pip=only_pip)
        stamp(environment, purpose).write_text(fingerprint(root, purpose), encoding="ascii")


def main(arguments: list[str]) -> int:
    """Install, then run; returns the exit code."""
    parser = argparse.ArgumentParser(prog="setup.py", description=__doc__.partition("\n")[0])
    parser.add_argument("purpose", nargs="+", help=", ".join(purposes(ROOT)))
    parser.add_argument("--run", metavar="COMMAND", help="then run `microgrid COMMAND`")
    parser.add_argument("--pip", action="store_true", help="don't use uv")
    options = parser.parse_args(arguments)
    if sys.version_info < OLDEST:
        found = sys.version.split()[0]
        print(f"Python 3.11 or newer is needed; this is {found}", file=sys.stderr)
        return 2
    try:
        prepare(ROOT, options.purpose, only_pip=options.pip)
    except SetupError as error:
        print(error, file=sys.stderr)
        return 1
    if options.run:
        command = scripts_folder(ROOT / ".venv") / "microgrid"
        return subprocess.run([command, *options.run.split()], cwd=ROOT, check=False).returncode
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
