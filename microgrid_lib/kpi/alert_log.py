"""Who has seen which alert: a SQLite file in the home, beside the alerts that data always give."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError

from microgrid_lib.access import Actor, Role, require_role
from microgrid_lib.database.columns import UtcDateTime
from microgrid_lib.errors import ConflictError, MicrogridError, StoreError
from microgrid_lib.kpi.alerts import Acknowledgement, Alert
from microgrid_lib.settings import Settings
from microgrid_lib.site.profile import Profile

MAX_NOTE = 1000
WAIT_S = 10.0
_metadata = sa.MetaData()
# With what was acknowledged: it stays on record when corrected data no longer give that alert.
_table = sa.Table(
    "acknowledgements",
    _metadata,
    sa.Column("site", sa.Text, primary_key=True),
    sa.Column("profile", sa.Text, primary_key=True),
    sa.Column("alert", sa.Text, primary_key=True),
    sa.Column("severity", sa.Text, nullable=False),
    sa.Column("start", UtcDateTime, nullable=False),
    sa.Column("end", UtcDateTime),
    sa.Column("extreme", sa.Float, nullable=False),
    sa.Column("unit", sa.Text, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
)


def _now() -> datetime:
    return datetime.now(UTC)


class AlertLog:
    """Acknowledgements of one site and profile.

    Parameters
    ----------
    settings
        Where the file is: `<home>/alerts.sqlite`.
    profile
        Site and profile.
    clock
        Gives the time of an acknowledgement [UTC].
    """

    def __init__(
        self, settings: Settings, profile: Profile, clock: Callable[[], datetime] = _now
    ) -> None:
        self._path = settings.home / "alerts.sqlite"
        self._profile = profile
        self._clock = clock

    def known(self) -> dict[str, Acknowledgement]:
        """Acknowledgements by id of the alert.

        Raises
        ------
        StoreError
            The file can't be read.
        """
        if not self._path.exists():
            return {}
        with self._connection(self._path) as connection:
            if not sa.inspect(connection).has_table(_table.name):
                return {}
            rows = connection.execute(
                sa.select(_table).where(
                    _table.c.site == self._profile.site.name,
                    _table.c.profile == self._profile.name,
                )
            ).all()
        zone = self._profile.site.display_zone
        return {
            row.alert: Acknowledgement(by=row.by, at=row.at.astimezone(zone), note=row.note)
            for row in rows
        }

    def acknowledge(self, alert: Alert, actor: Actor, note: str) -> Acknowledgement:
        """Write down that someone has seen an alert.

        Parameters
        ----------
        alert
            As it is now.
        actor
            Who; a viewer may not.
        note
            What they note, at most `MAX_NOTE` characters.

        Raises
        ------
        AccessDeniedError
            The actor is a viewer.
        MicrogridError
            The note is too long.
        ConflictError
            It is acknowledged already.
        StoreError
            The file can't be written.
        """
        require_role(actor, Role.operator, "acknowledge alerts")
        if len(note) > MAX_NOTE:
            raise MicrogridError(f"the note has {len(note)} characters; {MAX_NOTE} are allowed")
        at = self._clock()
        values = {
            "site": self._profile.site.name,
            "profile": self._profile.name,
            "alert": alert.id,
            "severity": alert.severity,
            "start": alert.start,
            "end": alert.end,
            "extreme": alert.extreme,
            "unit": alert.unit,
            "by": actor.name,
            "role": str(actor.role),
            "at": at,
            "note": note,
        }
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{self._path.parent}: can't be made ({error.strerror})") from None
        with self._connection(self._path) as connection:
            _metadata.create_all(connection)
            try:
                connection.execute(sa.insert(_table).values(**values))
            except IntegrityError:
                raise ConflictError(f"alert {alert.id} is acknowledged already") from None
        zone = self._profile.site.display_zone
        return Acknowledgement(by=actor.name, at=at.astimezone(zone), note=note)

    @contextmanager
    def _connection(self, path: Path) -> Iterator[sa.Connection]:
        url = sa.URL.create("sqlite", database=str(path))
        engine = sa.create_engine(url, hide_parameters=True, connect_args={"timeout": WAIT_S})
        try:
            with engine.begin() as connection:
                yield connection
        except DBAPIError as error:
            raise StoreError(f"{path}: {str(error.orig).splitlines()[0]}") from None
        finally:
            engine.dispose()
