from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from pydantic import SecretStr

from microgrid_lib.consumers.access import Actor
from microgrid_lib.consumers.store import ConsumerStore
from microgrid_lib.consumers.tables import SCHEMA
from microgrid_lib.database import engine
from microgrid_lib.database.connections import open_database
from microgrid_lib.errors import BusyError, MicrogridError, SettingsError, StoreError
from microgrid_lib.settings import Settings
from tests.consumers.drafts import SITE, draft


def test_the_migrations_make_exactly_the_tables_of_the_code(settings: Settings) -> None:
    opened = open_database(settings, SCHEMA)
    with opened.writing() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": SCHEMA.version_table, "compare_type": True}
        )
        assert compare_metadata(context, SCHEMA.metadata) == []
    opened.close()


def test_every_migration_runs_back_and_forth(settings: Settings) -> None:
    from alembic import command

    config = SCHEMA.alembic_config()
    assert ScriptDirectory.from_config(config).get_heads() == [SCHEMA.head]
    opened = open_database(settings, SCHEMA)
    with opened.writing() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
        assert not sa.inspect(connection).has_table("consumers")
        command.upgrade(config, "head")
        assert sa.inspect(connection).has_table("consumers")
    opened.close()


def test_the_sqlite_file_is_in_wal_mode_and_lies_in_the_home(sqlite_settings: Settings) -> None:
    open_database(sqlite_settings, SCHEMA).close()
    with sqlite3.connect(sqlite_settings.home / "consumers.sqlite") as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_a_home_with_odd_characters_will_do(tmp_path: Path, operator: Actor) -> None:
    settings = Settings(home=tmp_path / "100 % é;#?")
    with ConsumerStore.open(settings) as store:
        store.add(SITE, draft(), operator)
    assert (settings.home / "consumers.sqlite").is_file()


def test_a_sqlite_url_names_another_file(tmp_path: Path, operator: Actor) -> None:
    url = SecretStr(f"sqlite:///{tmp_path / 'own.db'}")
    with ConsumerStore.open(Settings(home=tmp_path / "home", database_url=url)) as store:
        store.add(SITE, draft(), operator)
    assert (tmp_path / "own.db").is_file()
    assert not (tmp_path / "home").exists()


def test_a_database_of_a_newer_program_is_left_alone(settings: Settings) -> None:
    opened = open_database(settings, SCHEMA)
    with opened.writing() as connection:
        connection.exec_driver_sql(f"UPDATE {SCHEMA.version_table} SET version_num = '9999'")
    opened.close()
    with pytest.raises(StoreError, match=r"newer version .* \(schema 9999, this one knows 0001\)"):
        open_database(settings, SCHEMA)


def test_the_database_itself_refuses_what_the_code_would(
    store: ConsumerStore, operator: Actor
) -> None:
    added = store.add(SITE, draft(), operator)
    for change in ("latitude = 91", "name = ''", "type = 'vital'", "version = 0"):
        with pytest.raises(sa.exc.IntegrityError), store.transaction() as (connection, _):
            connection.exec_driver_sql(f"UPDATE consumers SET {change}")
    assert store.select() == [added]


def test_a_reader_sees_one_state_while_a_writer_writes(settings: Settings, operator: Actor) -> None:
    count = sa.text("SELECT count(*) FROM consumers")
    reader = open_database(settings, SCHEMA)
    with ConsumerStore.open(settings) as store:
        store.add(SITE, draft(), operator)
        with reader.reading() as connection:
            assert connection.scalar(count) == 1
            store.add(SITE, draft(), operator)
            assert connection.scalar(count) == 1
        with reader.reading() as connection:
            assert connection.scalar(count) == 2
    reader.close()


def test_a_reader_cannot_write_on_postgresql(postgres: Callable[[], str]) -> None:
    opened = open_database(Settings(database_url=SecretStr(postgres())), SCHEMA)
    with pytest.raises(StoreError, match="read-only"), opened.reading() as connection:
        connection.exec_driver_sql("DELETE FROM consumers")
    opened.close()


def test_a_writer_that_waits_too_long_gets_one_line(
    settings: Settings, operator: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ConsumerStore.open(settings) as first:
        added = first.add(SITE, draft(), operator)
        monkeypatch.setattr(engine, "WAIT_S", 0.1)
        with ConsumerStore.open(settings) as second, first.transaction() as (connection, _):
            connection.exec_driver_sql("UPDATE consumers SET notes = 'busy'")
            with pytest.raises(BusyError, match="try again") as caught:
                second.update(added.id, 1, draft(name="x"), operator)
            assert "\n" not in str(caught.value)
        assert first.get(added.id).version == 1


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("mysql://u:secret@host/db", "'mysql' isn't known"),
        ("secret rubbish", "isn't a database URL"),
        ("", "isn't a database URL"),
        ("sqlite://", "path of a file"),
        ("sqlite:///:memory:", "path of a file"),
        ("postgresql://u:secret@host:port/db", "isn't a database URL"),
    ],
)
def test_a_url_that_cannot_be_used_is_named_without_its_password(url: str, problem: str) -> None:
    with pytest.raises(SettingsError, match=problem) as caught:
        open_database(Settings(database_url=SecretStr(url)), SCHEMA)
    assert "MICROGRID_DATABASE_URL" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_server_that_is_not_there_is_one_line_without_the_password() -> None:
    url = SecretStr("postgresql://u:secret@127.0.0.1:1/db?password=secret")
    with pytest.raises(StoreError, match="Connection refused") as caught:
        open_database(Settings(database_url=url), SCHEMA)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_database_is_named(sqlite_settings: Settings) -> None:
    sqlite_settings.home.mkdir()
    path = sqlite_settings.home / "consumers.sqlite"
    path.write_bytes(b"not a database " * 100)
    with pytest.raises(StoreError, match="not a database") as caught:
        open_database(sqlite_settings, SCHEMA)
    assert str(path) in str(caught.value)


def test_a_home_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(MicrogridError, match="can't be made"):
        open_database(Settings(home=tmp_path / "file" / "home"), SCHEMA)
