"""Commands about accounts of the dashboard: who may log in, and what they may do."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from microgrid_lib.access import Actor, Role
from microgrid_lib.cli.options import JsonOption, print_json
from microgrid_lib.errors import FileProblem, MicrogridError

if TYPE_CHECKING:
    from microgrid_lib.accounts.model import Account

_LONGEST_FILE = 4096

NameArgument = Annotated[str, typer.Argument(help="Name of the account; case doesn't count.")]
RoleArgument = Annotated[Role, typer.Argument(help="What it may do.")]
FileOption = Annotated[
    Path | None,
    typer.Option(
        "--password-file",
        help="File whose first line is the password; - reads standard input. Default: ask twice.",
        allow_dash=True,
    ),
]
LastOption = Annotated[
    bool,
    typer.Option("--even-last-admin", help="Even if no admin is left."),
]


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(
        help="Accounts of the dashboard: who may log in, and what they may do.",
        no_args_is_help=True,
    )
    group.command("list")(list_)
    group.command()(add)
    group.command()(role)
    group.command()(password)
    group.command()(remove)
    app.add_typer(group, name="users")


def list_(as_json: JsonOption = False) -> None:
    """List the accounts."""
    from microgrid_lib.accounts.store import AccountStore

    with AccountStore.open() as store:
        found = store.all(_local())
    if as_json:
        print_json({"accounts": [_public(account) for account in found]})
        return
    for account in found:
        proxy = "" if account.has_password else "  (no password: only by proxy)"
        typer.echo(f"{account.role:<9} {account.name}{proxy}")
    if not found:
        typer.echo("no accounts: the dashboard lets in who has the address printed at its start")


def add(
    name: NameArgument,
    role: RoleArgument = Role.viewer,
    password_file: FileOption = None,
    no_password: Annotated[
        bool, typer.Option("--no-password", help="Only an authenticating proxy lets it in.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Add an account."""
    from microgrid_lib.accounts.store import AccountStore

    if no_password and password_file is not None:
        raise MicrogridError("give --no-password or --password-file, not both")
    secret = None if no_password else _password(name, password_file)
    with AccountStore.open() as store:
        account = store.add(name, role, secret, _local())
        first = len(store.all(_local())) == 1
    _print(account, "added", as_json)
    if first and not as_json:
        typer.echo("a dashboard that runs already has to be started again to ask for it")


def role(
    name: NameArgument,
    role: RoleArgument,
    even_last_admin: LastOption = False,
    as_json: JsonOption = False,
) -> None:
    """Give an account another role; it has to log in again."""
    from microgrid_lib.accounts.store import AccountStore

    with AccountStore.open() as store:
        account = store.set_role(name, role, _local(), even_last_admin)
    _print(account, "changed", as_json)


def password(
    name: NameArgument, password_file: FileOption = None, as_json: JsonOption = False
) -> None:
    """Give an account another password; it has to log in again."""
    from microgrid_lib.accounts.errors import AccountNotFoundError
    from microgrid_lib.accounts.store import AccountStore

    with AccountStore.open() as store:
        if store.find(name) is None:
            raise AccountNotFoundError(name)
        account = store.set_password(name, _password(name, password_file), _local())
    _print(account, "changed", as_json)


def remove(
    name: NameArgument, even_last_admin: LastOption = False, as_json: JsonOption = False
) -> None:
    """Remove an account; its open pages close within seconds."""
    from microgrid_lib.accounts.store import AccountStore

    with AccountStore.open() as store:
        account = store.remove(name, _local(), even_last_admin)
    _print(account, "removed", as_json)


def _local() -> Actor:
    """Who can run commands here can open the database file as well: an admin."""
    try:
        return Actor(getpass.getuser(), Role.admin)
    except (OSError, KeyError, ImportError):
        return Actor("local", Role.admin)


def _password(name: str, file: Path | None) -> str:
    from microgrid_lib.accounts.model import parse_password

    if file is None:
        if not sys.stdin.isatty():
            raise MicrogridError(
                "the password is asked for, and nobody can answer here: "
                "give --password-file, or --password-file - and write it to standard input"
            )
        given = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    elif str(file) == "-":
        given = _first_line(sys.stdin.buffer.read(_LONGEST_FILE), "standard input")
    else:
        try:
            with file.open("rb") as source:
                given = _first_line(source.read(_LONGEST_FILE), str(file))
        except OSError as error:
            raise FileProblem(file, f"can't be read ({error.strerror})") from None
    return parse_password(given, name)


def _first_line(content: bytes, name: str) -> str:
    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise FileProblem(name, "isn't UTF-8 text") from None
    return lines[0] if lines else ""


def _public(account: Account) -> dict[str, object]:
    return account.model_dump(mode="json", exclude={"stamp"})


def _print(account: Account, done: str, as_json: bool) -> None:
    if as_json:
        print_json(_public(account))
        return
    typer.echo(f"{done}: {account.name}, {account.role}")
