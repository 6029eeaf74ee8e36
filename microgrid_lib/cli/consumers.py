"""Commands about consumers: list, show, add, update, delete, restore, import, export."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import ValidationError

from microgrid_lib.access import Actor, Role
from microgrid_lib.cli.options import JsonOption, SiteOption, print_json
from microgrid_lib.consumers.exchange import ExportFormat
from microgrid_lib.consumers.model import (
    CONTENT_FIELDS,
    Consumer,
    ConsumerKind,
    ConsumerType,
    parse_draft,
)
from microgrid_lib.consumers.query import ConsumerQuery, SortKey, Total
from microgrid_lib.consumers.reading import ImportFormat
from microgrid_lib.errors import FileProblem, MicrogridError
from microgrid_lib.settings import load_settings
from microgrid_lib.site.load import load_site

if TYPE_CHECKING:
    from microgrid_lib.consumers.importing import ImportReport
    from microgrid_lib.consumers.store import ConsumerStore

WRONG_INPUT = 2
SHORT_ID = 8


class Clearable(StrEnum):
    """Fields that may be empty."""

    rated_power_kw = "rated_power_kw"
    notes = "notes"


Reference = Annotated[
    str, typer.Argument(help="Id, its first characters (4 or more), or the name.")
]
SearchOption = Annotated[
    str, typer.Option("--search", help="Words that occur in the name or the notes.")
]
TypesOption = Annotated[
    list[ConsumerType] | None, typer.Option("--type", help="Only these; may be repeated.")
]
KindsOption = Annotated[
    list[ConsumerKind] | None, typer.Option("--kind", help="Only these; may be repeated.")
]
MinPowerOption = Annotated[float | None, typer.Option(help="Rated power at least [kW].")]
MaxPowerOption = Annotated[float | None, typer.Option(help="Rated power at most [kW].")]
SortOption = Annotated[SortKey, typer.Option("--sort", help="Order by this.")]
DescendingOption = Annotated[bool, typer.Option("--descending", help="Highest first.")]
DeletedOption = Annotated[bool, typer.Option("--deleted", help="Look among the deleted ones.")]
NameOption = Annotated[str | None, typer.Option("--name", help="1 to 50 characters.")]
TypeOption = Annotated[
    str | None, typer.Option("--type", help="One of: " + ", ".join(ConsumerType) + ".")
]
KindOption = Annotated[
    str | None, typer.Option("--kind", help="One of: " + ", ".join(ConsumerKind) + ".")
]
LatitudeOption = Annotated[str | None, typer.Option("--latitude", help="Degrees north.")]
LongitudeOption = Annotated[str | None, typer.Option("--longitude", help="Degrees east.")]
PowerOption = Annotated[str | None, typer.Option("--rated-power-kw", help="Rated power [kW].")]
NotesOption = Annotated[str | None, typer.Option("--notes", help="Up to 2,000 characters.")]
VersionOption = Annotated[
    int | None,
    typer.Option("--if-version", help="Only if the consumer still has this version.", min=1),
]
UserOption = Annotated[
    str | None,
    typer.Option("--user", envvar="MICROGRID_USER", help="Who asks; default: the login name."),
]
# Who can run commands here can open the database file as well: the role is a guard, not a wall.
RoleOption = Annotated[
    Role, typer.Option("--role", envvar="MICROGRID_ROLE", help="Role of who asks.")
]


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(
        help="Consumers of a site: who draws power, where, and how much it matters.",
        no_args_is_help=True,
    )
    group.command("list")(list_)
    group.command()(show)
    group.command()(add)
    group.command()(update)
    group.command()(delete)
    group.command()(restore)
    group.command("import")(import_)
    group.command()(export)
    app.add_typer(group, name="consumers")


def list_(
    search: SearchOption = "",
    types: TypesOption = None,
    kinds: KindsOption = None,
    min_power_kw: MinPowerOption = None,
    max_power_kw: MaxPowerOption = None,
    sort: SortOption = SortKey.name,
    descending: DescendingOption = False,
    deleted: DeletedOption = False,
    page: Annotated[int, typer.Option(help="Page, from 1.", min=1, max=1_000_000)] = 1,
    page_size: Annotated[int, typer.Option(help="Consumers on a page.", min=1, max=1000)] = 50,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """List consumers, with totals by type of everything that matches."""
    with _store(site) as (store, site_name):
        query = _query(
            site_name,
            search,
            types,
            kinds,
            min_power_kw,
            max_power_kw,
            sort,
            descending,
            deleted,
            page=page,
            page_size=page_size,
        )
        found, totals = store.page(query), store.totals(query)
    if as_json:
        content = found.model_dump(mode="json")
        print_json({"site": site_name, **content, "totals": totals.model_dump(mode="json")})
        return
    for consumer in found.consumers:
        typer.echo(_line(consumer))
    typer.echo(f"page {found.page} of {found.pages}")
    for kind, one in totals.by_type.items():
        typer.echo(f"{kind}: {_total(one)}")
    typer.echo(f"all: {_total(totals.all)}")


def show(
    consumer: Reference,
    deleted: DeletedOption = False,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one consumer and every change it went through."""
    with _store(site) as (store, site_name):
        found = store.find(consumer, site_name, deleted)
        history = store.history(found.id)
    if as_json:
        entries = [entry.model_dump(mode="json") for entry in history]
        print_json({"consumer": found.model_dump(mode="json"), "history": entries})
        return
    for name, value in found.model_dump(mode="json").items():
        typer.echo(f"{name}: {'' if value is None else value}")
    typer.echo("history:")
    for entry in history:
        fields = ", ".join(entry.changes)
        origin = f" from {entry.source}" if entry.source else ""
        typer.echo(
            f"  {entry.at:%Y-%m-%d %H:%M:%S} UTC {entry.actor} ({entry.role}): "
            f"{entry.action} to version {entry.version}{origin}: {fields}"
        )


def add(
    name: NameOption = None,
    type_: TypeOption = None,
    kind: KindOption = None,
    latitude: LatitudeOption = None,
    longitude: LongitudeOption = None,
    rated_power_kw: PowerOption = None,
    notes: NotesOption = None,
    user: UserOption = None,
    role: RoleOption = Role.admin,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add a consumer."""
    given = _given(name, type_, kind, latitude, longitude, rated_power_kw, notes)
    actor, draft = _actor(user, role), parse_draft(given)
    with _store(site) as (store, site_name):
        _print(store.add(site_name, draft, actor), "added", as_json)


def update(
    consumer: Reference,
    name: NameOption = None,
    type_: TypeOption = None,
    kind: KindOption = None,
    latitude: LatitudeOption = None,
    longitude: LongitudeOption = None,
    rated_power_kw: PowerOption = None,
    notes: NotesOption = None,
    clear: Annotated[
        list[Clearable] | None, typer.Option("--clear", help="Empty this field; may be repeated.")
    ] = None,
    if_version: VersionOption = None,
    user: UserOption = None,
    role: RoleOption = Role.admin,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change a consumer; what isn't named stays."""
    given = _given(name, type_, kind, latitude, longitude, rated_power_kw, notes)
    cleared: dict[str, Any] = {str(field): None for field in clear or []}
    if both := sorted(given.keys() & cleared.keys()):
        raise MicrogridError(f"{both[0]}: either a value or --clear, not both")
    if not given and not cleared:
        raise MicrogridError("name at least one field to change")
    actor = _actor(user, role)
    with _store(site) as (store, site_name):
        before = store.find(consumer, site_name)
        content = before.draft.model_dump(mode="json")
        draft = parse_draft({**content, **given, **cleared})
        changed = store.update(before.id, if_version or before.version, draft, actor)
    done = "changed" if changed.version != before.version else "already so"
    _print(changed, done, as_json)


def delete(
    consumer: Reference,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    if_version: VersionOption = None,
    user: UserOption = None,
    role: RoleOption = Role.admin,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Delete a consumer; `restore` brings it back."""
    actor = _actor(user, role)
    with _store(site) as (store, site_name):
        before = store.find(consumer, site_name)
        if not yes and not _confirmed(f"Delete {before.name!r}?"):
            typer.echo("nothing deleted", err=True)
            return
        gone = store.delete(before.id, if_version or before.version, actor)
    undo = f"microgrid consumers restore {gone.id} --site {gone.site}"
    _print(gone, f"deleted (undo: {undo})", as_json)


def restore(
    consumer: Reference,
    user: UserOption = None,
    role: RoleOption = Role.admin,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Undo a delete: the same id, content and history."""
    actor = _actor(user, role)
    with _store(site) as (store, site_name):
        before = store.find(consumer, site_name, deleted=True)
        _print(store.restore(before.id, actor), "restored", as_json)


def import_(
    file: Annotated[Path, typer.Argument(help="CSV or GeoJSON file.")],
    file_format: Annotated[
        ImportFormat | None, typer.Option("--format", help="Default: by the file's name.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only report, row by row; change nothing.")
    ] = False,
    user: UserOption = None,
    role: RoleOption = Role.admin,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Import consumers: every row of the file, or none."""
    from microgrid_lib.consumers.importing import ImportRefusedError, RowAction, import_file

    actor = _actor(user, role)
    with _store(site) as (store, site_name):
        try:
            report = import_file(store, file, site_name, actor, file_format, dry_run)
        except ImportRefusedError as error:
            if as_json:
                print_json(error.report)
            raise
    if as_json:
        print_json(report)
    else:
        _report(report)
    if report.counts[RowAction.refused]:
        raise typer.Exit(WRONG_INPUT)


def export(
    out: Annotated[
        Path | None, typer.Option("--out", help="File to write; default: standard output.")
    ] = None,
    file_format: Annotated[
        ExportFormat | None,
        typer.Option("--format", help="Default: by the file's name, else csv."),
    ] = None,
    search: SearchOption = "",
    types: TypesOption = None,
    kinds: KindsOption = None,
    min_power_kw: MinPowerOption = None,
    max_power_kw: MaxPowerOption = None,
    sort: SortOption = SortKey.name,
    descending: DescendingOption = False,
    deleted: DeletedOption = False,
    site: SiteOption = None,
) -> None:
    """Write the filtered list as CSV, GeoJSON, XLSX, JSON or Markdown."""
    from microgrid_lib.consumers import exchange

    chosen = file_format
    if chosen is None:
        chosen = ExportFormat.csv if out is None else exchange.SUFFIXES.get(out.suffix.lower())
    if chosen is None:
        raise FileProblem(out or "", f"names no format; known: {', '.join(exchange.SUFFIXES)}")
    with _store(site) as (store, site_name):
        query = _query(
            site_name,
            search,
            types,
            kinds,
            min_power_kw,
            max_power_kw,
            sort,
            descending,
            deleted,
        )
        found = store.select(query)
        content = exchange.export(found, store.totals(query), chosen)
    if out is None:
        sys.stdout.buffer.write(content)
        sys.stdout.flush()
        return
    try:
        out.write_bytes(content)
    except OSError as error:
        raise FileProblem(out, f"can't be written ({error.strerror})") from None
    typer.echo(f"{out}: {len(found)} consumers")


@contextmanager
def _store(site: str | None) -> Iterator[tuple[ConsumerStore, str]]:
    """The store, and the name of the site, which must exist."""
    from microgrid_lib.consumers.store import ConsumerStore

    settings = load_settings()
    name = load_site(site or settings.site, settings.home).name
    with ConsumerStore.open(settings) as store:
        yield store, name


def _query(
    site: str,
    search: str,
    types: list[ConsumerType] | None,
    kinds: list[ConsumerKind] | None,
    min_power_kw: float | None,
    max_power_kw: float | None,
    sort: SortKey,
    descending: bool,
    deleted: bool,
    page: int = 1,
    page_size: int = 50,
) -> ConsumerQuery:
    try:
        return ConsumerQuery(
            site=site,
            search=search,
            types=tuple(types or ()),
            kinds=tuple(kinds or ()),
            min_rated_power_kw=min_power_kw,
            max_rated_power_kw=max_power_kw,
            deleted=deleted,
            sort=sort,
            descending=descending,
            page=page,
            page_size=page_size,
        )
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise MicrogridError(f"{first['loc'][0]}: {first['msg']}") from None


def _actor(user: str | None, role: Role) -> Actor:
    if user is None:
        try:
            user = getpass.getuser()
        except (OSError, KeyError, ImportError):
            raise MicrogridError("the login name isn't known here: give --user") from None
    return Actor(user, role)


def _given(*values: str | None) -> dict[str, Any]:
    pairs = zip(CONTENT_FIELDS, values, strict=True)
    return {name: value for name, value in pairs if value is not None}


def _confirmed(question: str) -> bool:
    if not sys.stdin.isatty():
        raise MicrogridError("deleting asks first, and nobody can answer here: give --yes")
    return typer.confirm(question, err=True)


def _print(consumer: Consumer, done: str, as_json: bool) -> None:
    if as_json:
        print_json(consumer)
        return
    typer.echo(f"{done}: {_line(consumer)}, version {consumer.version}")


def _line(consumer: Consumer) -> str:
    power = consumer.rated_power_kw
    rated = "rated power unknown" if power is None else f"{power:g} kW"
    place = f"{consumer.latitude:.5f}, {consumer.longitude:.5f}"
    key = consumer.id[:SHORT_ID]
    return f"{key}  {consumer.name}  ({consumer.type}, {consumer.kind})  {place}  {rated}"


def _total(total: Total) -> str:
    text = f"{total.count} consumers, "
    if total.rated_power_kw is None:
        return text + "no rated power known"
    text += f"{total.rated_power_kw:.6g} kW rated"
    unknown = total.rated_power_unknown
    return text + (f", {unknown} without a known rated power" if unknown else "")


def _report(report: ImportReport) -> None:
    for row in report.rows:
        fields = f" ({', '.join(row.changes)})" if row.changes and row.action != "add" else ""
        typer.echo(f"row {row.row}: {row.action}: {row.name or 'no name'}{fields}")
        for problem in row.problems:
            typer.echo(f"  {problem.text}")
    counts = ", ".join(f"{count} {action}" for action, count in report.counts.items())
    done = "imported" if report.applied else "nothing imported (dry run)"
    typer.echo(f"{report.file}: {done}: {counts}")
