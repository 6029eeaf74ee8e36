"""The log: lines for people, JSON for machines, and the lines of a run."""

from __future__ import annotations

import io
import json
import logging
from datetime import UTC, datetime

import pytest

from microgrid_lib.schedule.journal import MOST_KEPT, Journal, LibraryHandler

AT = datetime(2026, 3, 1, 13, 0, tzinfo=UTC)


def journal(as_json: bool = False) -> tuple[Journal, io.StringIO]:
    stream = io.StringIO()
    return Journal(stream, as_json, lambda: AT), stream


def test_a_line_can_be_read_and_split() -> None:
    log, stream = journal()
    log("run.failed", "error", job="monthly", attempt=2, reason='the "disk" is full', none=None)
    assert stream.getvalue() == (
        "2026-03-01T13:00:00Z error   run.failed job=monthly attempt=2 "
        'reason="the \\"disk\\" is full"\n'
    )


@pytest.mark.parametrize("as_json", [True, False])
def test_an_event_is_one_line_whatever_it_says(as_json: bool) -> None:
    log, stream = journal(as_json)
    log("x", says="two\nlines\r\n2026-03-01T13:00:00Z error faked")
    assert stream.getvalue().count("\n") == 1
    assert len(log.kept.splitlines()) == 1


def test_json_has_numbers_as_numbers() -> None:
    log, stream = journal(as_json=True)
    log("report.made", seconds=1.23456, pages=9, due=AT, part=float("nan"))
    assert json.loads(stream.getvalue()) == {
        "time": "2026-03-01T13:00:00+00:00",
        "level": "info",
        "event": "report.made",
        "seconds": 1.235,
        "pages": 9,
        "due": "2026-03-01T13:00:00+00:00",
        "part": "nan",
    }


def test_the_lines_of_a_run_are_kept_apart_and_the_newest_only() -> None:
    log, _ = journal()
    log("before")
    log.begin("an earlier attempt")
    log("after")
    assert [line.split()[-1] for line in log.kept.splitlines()] == ["attempt", "after"]
    for number in range(2 * MOST_KEPT):
        log("many", number=number)
    assert len(log.kept.splitlines()) == MOST_KEPT
    assert log.kept.endswith(f"number={2 * MOST_KEPT - 1}")


def test_the_library_s_warnings_are_in_the_log_but_not_what_is_meant_to_be() -> None:
    log, stream = journal()
    logger = logging.getLogger("test.apscheduler")
    logger.propagate = False
    logger.addHandler(LibraryHandler(log))
    logger.info("quiet")
    skipped = 'Execution of job "%s" skipped: maximum number of running instances reached (%d)'
    logger.warning(skipped, "poll", 1)
    assert stream.getvalue() == ""
    logger.error("Error %s", "x")
    assert stream.getvalue().endswith('error   library says="Error x"\n')
