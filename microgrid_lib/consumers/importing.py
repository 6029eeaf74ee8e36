"""Files of consumers into the store: a report by row first, then everything or nothing.

A row with the id of a stored consumer changes it (if its `version`, where given, is still the
stored one), or brings it back from the bin. A row without an id, or with one that isn't stored, is
a new consumer. A row that says what is stored already changes nothing, so that a file may be
imported twice.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from pydantic import BaseModel

from microgrid_lib.consumers import changes
from microgrid_lib.consumers.access import Action, Actor, require
from microgrid_lib.consumers.audit import Change, differences
from microgrid_lib.consumers.errors import ConsumerFieldError, FieldProblem
from microgrid_lib.consumers.model import (
    CONTENT_FIELDS,
    Consumer,
    ConsumerDraft,
    parse_draft,
    shown,
)
from microgrid_lib.consumers.reading import ImportFormat, RawRow, format_of, read_rows
from microgrid_lib.consumers.store import ConsumerStore
from microgrid_lib.errors import FileProblem, MicrogridError

_VERSION = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)


class RowAction(StrEnum):
    """What an import does with a row."""

    add = "add"
    update = "update"
    restore = "restore"
    unchanged = "unchanged"
    refused = "refused"


class RowReport(BaseModel):
    """What an import does, or would do, with one row.

    Attributes
    ----------
    row
        Row of the spreadsheet (the header is 1), or number of the feature from 1.
    action
        What is done.
    id
        Of the consumer; None for a new one that brings none.
    name
        As in the file, None where it can't be read.
    changes
        What differs from what is stored.
    problems
        Why the row is refused.
    """

    row: int
    action: RowAction
    id: str | None
    name: str | None
    changes: dict[str, Change] = {}
    problems: list[FieldProblem] = []


class ImportReport(BaseModel):
    """What an import did, or would do.

    Attributes
    ----------
    file, format, site
        What was read, and for which site.
    dry_run
        Whether only the report was asked for.
    applied
        Whether the rows are stored now.
    counts
        Rows by action.
    rows
        One entry per row.
    """

    file: str
    format: ImportFormat
    site: str
    dry_run: bool
    applied: bool
    counts: dict[RowAction, int]
    rows: list[RowReport]


class ImportRefusedError(MicrogridError):
    """Rows that can't be accepted, for which nothing was imported; `report` has every row."""

    def __init__(self, report: ImportReport) -> None:
        self.report = report
        refused = [row for row in report.rows if row.action is RowAction.refused]
        first = refused[0]
        problems = "; ".join(problem.text for problem in first.problems)
        super().__init__(
            f"{report.file}: {len(refused)} of {len(report.rows)} rows refused, nothing imported; "
            f"row {first.row}: {problems}"
        )


@dataclass(frozen=True)
class _Row:
    """A row judged by itself; `draft` is None where its fields can't be accepted."""

    row: int
    name: str | None
    id: str | None
    version: int | None
    draft: ConsumerDraft | None
    problems: list[FieldProblem]


def import_file(
    store: ConsumerStore,
    path: Path,
    site: str,
    actor: Actor,
    file_format: ImportFormat | None = None,
    dry_run: bool = False,
) -> ImportReport:
    """Import a file by its path; see `import_content`.

    Parameters
    ----------
    file_format
        None to tell by the file's name.

    Raises
    ------
    FileProblem
        The file can't be read, or its name says no format.
    """
    found = file_format or format_of(path)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise FileProblem(path, "no such file") from None
    except OSError as error:
        raise FileProblem(path, f"can't be read ({error.strerror})") from None
    return import_content(store, content, found, path.name, site, actor, dry_run)


def import_content(
    store: ConsumerStore,
    content: bytes,
    file_format: ImportFormat,
    source: str,
    site: str,
    actor: Actor,
    dry_run: bool = False,
) -> ImportReport:
    """Import a file's content: every row, or none.

    Parameters
    ----------
    content
        The file.
    source
        Its name, for messages and the audit log.
    site
        Site the consumers belong to; a row of another site is refused.
    dry_run
        Only report.

    Returns
    -------
    ImportReport
        With refused rows only if `dry_run`.

    Raises
    ------
    AccessDeniedError
        The actor is a viewer.
    FileProblem
        The file as a whole can't be read.
    ImportRefusedError
        A row can't be accepted.
    """
    require(actor, Action.import_)
    parsed = [_parse(row, site) for row in read_rows(content, file_format, source)]
    _refuse_repeated(parsed)
    with store.transaction() as (connection, at):
        known = changes.locked(connection, [one.id for one in parsed if one.id])
        reports = [_judge(one, known.get(one.id) if one.id else None, site) for one in parsed]
        result = ImportReport(
            file=source,
            format=file_format,
            site=site,
            dry_run=dry_run,
            applied=not dry_run,
            counts={action: sum(r.action is action for r in reports) for action in RowAction},
            rows=reports,
        )
        if dry_run:
            return result
        if result.counts[RowAction.refused]:
            raise ImportRefusedError(result.model_copy(update={"applied": False}))
        for one, report in zip(parsed, reports, strict=True):
            before = known.get(one.id) if one.id else None
            _apply(connection, one, report, before, site, actor, at, source)
    return result


def _parse(raw: RawRow, site: str) -> _Row:
    """Judge a row by itself."""
    values = raw.values
    draft: ConsumerDraft | None = None
    problems = list(raw.problems)
    consumer_id, version = None, None
    if not problems:
        try:
            draft = parse_draft({k: v for k, v in values.items() if k in CONTENT_FIELDS})
        except ConsumerFieldError as error:
            problems += error.problems
        try:
            consumer_id = _parse_id(values.get("id"))
            version = _parse_version(values.get("version"))
        except ConsumerFieldError as error:
            problems += error.problems
        if values.get("site") not in (None, "", site):
            problems.append(_problem("site", values["site"], "site", f"{site}, or empty"))
    name = values.get("name")
    return _Row(
        row=raw.row,
        name=draft.name if draft else shown(name) if name is not None else None,
        id=consumer_id,
        version=version,
        draft=draft,
        problems=problems,
    )


def _parse_id(value: Any) -> str | None:
    if value is None or value == "":
        return None
    try:
        return str(uuid.UUID(value))
    except (ValueError, AttributeError, TypeError):
        allowed = "the id of a consumer (a UUID), or none for a new one"
        raise ConsumerFieldError([_problem("id", value, "id", allowed)]) from None


def _parse_version(value: Any) -> int | None:
    if value is None or value == "":
        return None
    if isinstance(value, str) and _VERSION.fullmatch(value):
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    allowed = "a whole number from 1, or none"
    raise ConsumerFieldError([_problem("version", value, "version", allowed)])


def _problem(name: str, value: Any, code: str, allowed: str) -> FieldProblem:
    return FieldProblem(field=name, value=shown(value), code=code, allowed=allowed)


def _refuse_repeated(rows: list[_Row]) -> None:
    seen: dict[str, int] = {}
    for one in rows:
        if one.id is None:
            continue
        first = seen.setdefault(one.id, one.row)
        if first != one.row:
            one.problems.append(
                FieldProblem(
                    field="id",
                    value=one.id,
                    code="repeated",
                    params={"row": first},
                    allowed=f"row {first} has it already",
                )
            )


def _judge(one: _Row, before: Consumer | None, site: str) -> RowReport:
    """Judge a row against what is stored."""
    action, problems = RowAction.refused, list(one.problems)
    changed: dict[str, Change] = {}
    if one.draft is not None and not problems:
        stored = None if before is None or before.deleted else before
        changed = {
            name: Change.model_validate(change)
            for name, change in differences(stored, one.draft).items()
        }
        if before is None:
            action = RowAction.add
        elif before.site != site:
            problems.append(_problem("id", one.id, "other_site", f"it belongs to {before.site}"))
        elif before.deleted:
            action = RowAction.restore
        elif not changed:
            action = RowAction.unchanged
        elif one.version in (None, before.version):
            action = RowAction.update
        else:
            problems.append(_stale(one.version, before))
    return RowReport(
        row=one.row, action=action, id=one.id, name=one.name, changes=changed, problems=problems
    )


def _stale(version: int | None, before: Consumer) -> FieldProblem:
    return FieldProblem(
        field="version",
        value=str(version),
        code="stale",
        params={"version": before.version, "by": before.updated_by},
        allowed=(
            f"{before.updated_by!r} changed it since (stored is version {before.version}); "
            "export again"
        ),
    )


def _apply(
    connection: sa.Connection,
    one: _Row,
    report: RowReport,
    before: Consumer | None,
    site: str,
    actor: Actor,
    at: datetime,
    source: str,
) -> None:
    if one.draft is None or report.action is RowAction.unchanged:
        return
    if before is None:
        key = one.id or str(uuid.uuid4())
        changes.add(connection, key, site, one.draft, actor, at, source)
        return
    action = Action.restore if report.action is RowAction.restore else Action.update
    changes.change(connection, before, one.draft, actor, at, action, source)
