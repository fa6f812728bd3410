"""Where settings come from, which source wins, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from psycopg.conninfo import conninfo_to_dict

from everlog_server import settings
from everlog_server.settings import Settings, SettingsError, StorageSettings
from everlog_server.storage.provision import configured_dsn, provided

if TYPE_CHECKING:
    from pathlib import Path


def write(folder: Path, text: str) -> Path:
    file = folder / "everlog.toml"
    file.write_text(text)
    return file


def test_without_any_source_the_defaults_hold() -> None:
    assert settings.load(environment={}) == Settings()


def test_a_flag_wins_over_the_environment_which_wins_over_the_file(tmp_path: Path) -> None:
    file = write(tmp_path, "[server]\nport = 1\nhost = 'file'\nworkers = 3\n")
    environment = {"EVERLOG_PORT": "2", "EVERLOG_HOST": "environment"}
    loaded = settings.load({"server.port": "3"}, environment=environment, file=file)
    assert (loaded.server.port, loaded.server.host, loaded.server.workers) == (3, "environment", 3)


def test_the_environment_may_name_the_file(tmp_path: Path) -> None:
    file = write(tmp_path, "[append]\npipeline_depth = 1\n")
    assert settings.load(environment={"EVERLOG_CONFIG": str(file)}).append.pipeline_depth == 1


def test_an_empty_variable_is_as_good_as_none() -> None:
    assert settings.load(environment={"EVERLOG_PORT": "", "EVERLOG_CONFIG": ""}) == Settings()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("[server]\nprot = 1", "server.prot"),
        ("[sever]\nport = 1", "sever.port"),
        ("port = 1", "port"),
        ("[append.batch]\nevents = 1", "append.batch"),
    ],
)
def test_an_unknown_name_in_the_file_is_refused(tmp_path: Path, text: str, name: str) -> None:
    with pytest.raises(SettingsError, match=rf"^{name} in .*everlog\.toml is not a setting"):
        settings.load(environment={}, file=write(tmp_path, text))


def test_a_file_that_is_missing_or_no_toml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"absent\.toml can't be read"):
        settings.load(environment={}, file=tmp_path / "absent.toml")
    with pytest.raises(SettingsError, match=r"everlog\.toml can't be read"):
        settings.load(environment={}, file=write(tmp_path, "port ="))


@pytest.mark.parametrize(
    ("name", "value", "right"),
    [
        ("server.port", "x", "a whole number"),
        ("server.port", "7420.5", "a whole number"),
        ("server.port", 7420.5, "a whole number"),
        ("server.port", True, "a whole number"),
        ("server.port", 65536, "at least 0 and at most 65535"),
        ("server.workers", 0, "at least 1 and at most 256"),
        ("server.drain_grace_seconds", "nan", "a number"),
        ("server.drain_grace_seconds", -1, "at least 0"),
        ("server.host", 1, "a text"),
        ("storage.ephemeral", "perhaps", "true or false"),
        ("limits.event_bytes_max", "1 GB", "a number of bytes, such as 8MiB"),
        ("log.level", "loud", "one of debug, info, warning, error"),
    ],
)
def test_a_wrong_value_is_refused_by_name(name: str, value: object, right: str) -> None:
    with pytest.raises(SettingsError) as refused:
        settings.load({name: value}, environment={})
    assert str(refused.value).startswith(f"{name} is {value!r} (from --")
    assert str(refused.value).endswith(f"must be {right}")


@pytest.mark.parametrize("text", ["8388608", "8MiB", "8 mib", "8192KiB"])
def test_byte_counts_may_have_a_unit(text: str) -> None:
    loaded = settings.load(environment={"EVERLOG_APPEND_BATCH_BYTES_MAX": text})
    assert loaded.append.batch_bytes_max == 8 * 1024 * 1024


@pytest.mark.parametrize(
    "environment",
    [
        {"EVERLOG_DATABASE_URL": "postgresql://h/d", "EVERLOG_EPHEMERAL": "true"},
        {"EVERLOG_DATABASE_URL": "postgresql://h/d", "EVERLOG_DATA_DIR": "/d"},
        {"EVERLOG_DATA_DIR": "/d", "EVERLOG_EPHEMERAL": "1"},
    ],
)
def test_two_databases_at_once_are_refused(environment: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="contradict each other"):
        settings.load(environment=environment)


def test_an_event_may_not_be_larger_than_a_request() -> None:
    with pytest.raises(SettingsError, match=r"limits\.event_bytes_max must not exceed"):
        settings.load(environment={"EVERLOG_LIMITS_EVENT_BYTES_MAX": "5MiB"})


def test_libpqs_variables_come_before_an_embedded_postgres_that_nobody_asked_for() -> None:
    assert settings.load(environment={"PGHOST": "h"}).storage.database_url == ""
    asked = settings.load(environment={"PGHOST": "h", "EVERLOG_EPHEMERAL": "true"})
    assert asked.storage.database_url is None


def test_settings_survive_the_way_to_a_worker() -> None:
    environment = {"EVERLOG_DATABASE_URL": "postgresql://u:p@h/d", "EVERLOG_READY_FILE": "/r"}
    loaded = settings.load(environment=environment)
    assert settings.from_json(settings.to_json(loaded)) == loaded


def test_every_setting_has_three_distinct_names_and_a_meaning() -> None:
    every = settings.options()
    for names in ({o.name for o in every}, {o.flag for o in every}, {o.variable for o in every}):
        assert len(names) == len(every)
    assert all(option.doc for option in every)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://u:secret@h:5432/d", "postgresql://u:***@h:5432/d"),
        ("postgresql://u:sec@ret@h/d", "postgresql://u:***@h/d"),
        ("postgresql://h:5432/d", "postgresql://h:5432/d"),
        ("postgresql://u@h/d?password=secret&port=1", "postgresql://u@h/d?password=***&port=1"),
        ("host=h password='two words' user=u", "host=h password=*** user=u"),
        ("host=h sslpassword = secret user=u", "host=h sslpassword = *** user=u"),
    ],
)
def test_passwords_are_not_shown(text: str, shown: str) -> None:
    assert settings.redact(text) == shown


def test_what_is_logged_holds_no_password() -> None:
    loaded = settings.load(environment={"EVERLOG_DATABASE_URL": "postgresql://u:secret@h/d"})
    assert "secret" not in str(settings.redacted(loaded))


@pytest.mark.parametrize(
    "wrong", ["mysql://u:sekret@h/x", "postgresql+asyncpg://u:sekret@h/x?a=b", "not a sekret url"]
)
def test_a_database_url_that_is_none_is_named_and_not_repeated(wrong: str) -> None:
    loaded = settings.load(environment={"EVERLOG_DATABASE_URL": wrong})
    with (
        pytest.raises(SettingsError, match="EVERLOG_DATABASE_URL") as caught,
        provided(loaded.storage),
    ):
        pass
    assert "sekret" not in caught.value.message


def test_bounds_of_byte_counts_are_shown_as_they_are_written() -> None:
    with pytest.raises(SettingsError, match="at least 1KiB and at most 64MiB"):
        settings.load(environment={"EVERLOG_LIMITS_EVENT_BYTES_MAX": "65MiB"})


def test_variables_that_mean_nothing_are_found() -> None:
    environment = {"EVERLOG_PROT": "1", "EVERLOG_PORT": "1", "EVERLOG_URL": "x", "HOME": "/"}
    assert settings.unknown_variables(environment) == ["EVERLOG_PROT"]


def test_a_database_password_may_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("it's s3cret\n")
    storage = settings.load(
        {"storage.database_url": "postgresql://me@db/x", "storage.database_password_file": file},
        environment={},
    ).storage
    parts = conninfo_to_dict(configured_dsn(storage))
    assert parts == {"user": "me", "host": "db", "dbname": "x", "password": "it's s3cret"}


@pytest.mark.parametrize(
    ("content", "url", "complaint"),
    [
        ("", "postgresql://me@db/x", "must hold one line"),
        ("two\nlines\n", "postgresql://me@db/x", "must hold one line"),
        (None, "postgresql://me@db/x", "can't be read"),
        ("secret", "postgresql://me:other@db/x", "contradict each other"),
    ],
)
def test_a_password_file_that_is_no_use_is_refused(
    tmp_path: Path, content: str | None, url: str, complaint: str
) -> None:
    file = tmp_path / "password"
    if content is not None:
        file.write_text(content)
    storage = StorageSettings(database_url=url, database_password_file=file)
    with pytest.raises(SettingsError, match=complaint) as refused:
        configured_dsn(storage)
    assert "secret" not in str(refused.value)
    assert "other" not in str(refused.value).replace("each other", "")


def test_a_password_file_for_an_embedded_database_is_refused(tmp_path: Path) -> None:
    flags = {"storage.ephemeral": True, "storage.database_password_file": tmp_path / "p"}
    with pytest.raises(SettingsError, match="contradict each other"):
        settings.load(flags, environment={})
