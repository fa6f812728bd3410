"""`everlog projections` and the client's methods for it, on a real server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
import pytest_asyncio
from click.testing import CliRunner

import everlog
from everlog.v1.projections_pb2 import ApplyProjectionResponse, Projection, ProjectionDefinition
from everlog_server.cli.projection_folders.reading import read_folder
from everlog_server.cli.projections import projections
from everlog_server.storage.embedded import EmbeddedPostgres
from tests.conftest import with_database
from tests.servers import serving

pytestmark = pytest.mark.asyncio(loop_scope="module")

TABLES = "CREATE TABLE parcels (id text PRIMARY KEY, grams integer NOT NULL);\n"
YAML = """\
name: {name}
tables: tables.sql
on_failure: {on_failure}
handlers:
  {type}:
    file: sent.sql
"""
SENT = """\
-- A parcel is weighed again now and then.
INSERT INTO parcels (id, grams)
VALUES (%(aggregate_id)s, %(data.grams)s)
ON CONFLICT (id) DO UPDATE SET grams = excluded.grams;
"""
_numbers = count(1)


class Stage:
    """A server and its database, which the tests share: each has a projection of its own."""

    def __init__(self, url: str, database_url: str, client: everlog.Client) -> None:
        self.url = url
        self.database_url = database_url
        self.client = client

    async def run(self, *arguments: str | Path) -> tuple[int, str, str]:
        """Exit code, stdout and stderr of a command; in a thread, since a process takes long."""
        given = [*map(str, arguments), "--url", self.url]
        result = await asyncio.to_thread(CliRunner().invoke, projections, given)
        return result.exit_code, result.stdout, result.stderr

    async def ran(self, *arguments: str | Path) -> str:
        """What a command prints that ends well."""
        code, out, err = await self.run(*arguments)
        assert (code, err) == (0, "")
        return out

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database_url) as connection:
            return connection.execute(query.encode()).fetchall()

    def done(self, statement: str) -> None:
        with psycopg.connect(self.database_url) as connection:
            connection.execute(statement.encode())


class Parcels:
    """A projection in a folder, and events for it."""

    def __init__(self, stage: Stage, folder: Path, *, on_failure: str = "stop") -> None:
        number = next(_numbers)
        self.stage = stage
        self.folder = folder / f"parcels{number}"
        self.name = self.folder.name
        self.type = f"parcel{number}.sent"
        self.folder.mkdir()
        self.write("tables.sql", TABLES)
        self.write("sent.sql", SENT)
        self.write(
            "projection.yaml", YAML.format(name=self.name, type=self.type, on_failure=on_failure)
        )

    def write(self, file: str, content: str) -> None:
        (self.folder / file).write_text(content)

    def replace(self, file: str, old: str, new: str) -> None:
        content = (self.folder / file).read_text()
        assert old in content
        self.write(file, content.replace(old, new))

    async def send(self, parcel: str, grams: Any) -> everlog.Receipt:
        aggregate = everlog.AggregateKey(self.name, parcel)
        event = everlog.Event(self.type, aggregate=aggregate, data={"grams": grams})
        return await self.stage.client.emit(event)

    @property
    def rows(self) -> list[tuple[Any, ...]]:
        return self.stage.rows(f"SELECT id, grams FROM {self.name}.parcels ORDER BY id")

    async def reaches(self, *states: Projection.State.ValueType) -> Projection:
        async with asyncio.timeout(30):
            while True:
                now = await self.stage.client.projection(self.name)
                if now.state in states:
                    return now
                await asyncio.sleep(0.05)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(
    postgres: EmbeddedPostgres, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stage]:
    folder = tmp_path_factory.mktemp("projections")
    with psycopg.connect(with_database(postgres.dsn, "postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE cli_projections TEMPLATE {template_database}".encode())
    dsn = with_database(postgres.dsn, "cli_projections")
    async with serving(dsn, folder) as server, everlog.connect(server.address) as client:
        yield Stage(f"everlog://{server.address}", dsn, client)


@pytest.fixture
def parcels(stage: Stage, tmp_path: Path) -> Parcels:
    return Parcels(stage, tmp_path)


async def test_a_folder_becomes_tables_and_follows_the_log(stage: Stage, parcels: Parcels) -> None:
    await parcels.send("a", 100)
    name = parcels.name
    dry = await stage.ran("apply", parcels.folder, "--dry-run")
    assert dry == f"{name}  would be: created  schema {name}\n"
    assert name not in await stage.ran("list")
    out = await stage.ran("apply", parcels.folder, "--wait")
    assert out == f"{name}  created  schema {name}\n"
    assert parcels.rows == [("a", 100)]
    receipt = await parcels.send("a", 120)
    told = json.loads(await stage.ran("status", name, "--wait", "--json"))
    assert parcels.rows == [("a", 120)]
    assert told["checkpoint"] >= receipt.position
    assert (told["name"], told["state"], told["parked"]) == (name, "running", 0)
    assert told["projector"]
    again = json.loads(await stage.ran("apply", parcels.folder, "--json"))
    assert (again["change"], again["dry_run"], again["schema"]) == ("none", False, name)
    [row] = [line for line in (await stage.ran("list")).splitlines() if line.startswith(name)]
    assert row.split()[1] == "running"


async def test_a_changed_folder_wants_a_rebuild_and_gets_it(stage: Stage, parcels: Parcels) -> None:
    await parcels.send("a", 100)
    await stage.ran("apply", parcels.folder, "--wait")
    name = parcels.name
    parcels.replace("projection.yaml", "on_failure: stop", "on_failure: park")
    assert await stage.ran("apply", parcels.folder) == f"{name}  updated  schema {name}\n"
    parcels.replace("sent.sql", "%(data.grams)s)", "%(data.grams)s::integer * 2)")
    code, out, err = await stage.run("apply", parcels.folder)
    assert (code, out) == (0, f"{name}  wants rebuild  schema {name}\n")
    assert f"everlog projections rebuild {name}" in err
    assert parcels.rows == [("a", 100)]
    assert json.loads(await stage.ran("status", name, "--json"))["wants_rebuild"]
    assert "everlog projections rebuild" in await stage.ran("status", name)
    assert (await stage.ran("rebuild", name, "--wait")).startswith(f"{name}  running  at position")
    assert parcels.rows == [("a", 200)]
    parcels.replace("sent.sql", "* 2", "* 3")
    told = await stage.ran("apply", parcels.folder, "--rebuild", "--wait", "--json")
    assert json.loads(told)["change"] == "rebuilding"
    assert parcels.rows == [("a", 300)]


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (
            ("sent.sql", "(id, grams)", "(id, weight)"),
            '/sent.sql:2: handlers.{type}: column "weight" of relation "parcels" does not exist'
            "\n    INSERT INTO parcels (id, weight)\n                             ^\n",
        ),
        (
            ("sent.sql", "excluded.grams", "excluded.gram"),
            "    ON CONFLICT (id) DO UPDATE SET grams = excluded.gram;\n" + " " * 43 + "^\n",
        ),
        (("sent.sql", "VALUES", "VALUE"), "/sent.sql:3: handlers.{type}: syntax error at or near"),
        (("sent.sql", "%(data.grams)s", "%(dat.grams)s"), "/sent.sql:3: handlers.{type}: %(dat"),
        (("sent.sql", "INSERT INTO", "VACUUM; INSERT INTO"), "/sent.sql:2: handlers.{type}: "),
        (
            ("tables.sql", "text PRIMARY", "txt PRIMARY"),
            '/tables.sql:1: tables: type "txt" does not exist'
            "\n    CREATE TABLE parcels (id txt PRIMARY KEY, grams integer NOT NULL);"
            "\n                             ^\n",
        ),
        (
            ("projection.yaml", "tables: ", "schema: public\ntables: "),
            "/projection.yaml:2: schema: ",
        ),
    ],
)
async def test_what_the_database_does_not_take_is_shown_where_it_stands(
    stage: Stage, parcels: Parcels, edit: tuple[str, str, str], said: str
) -> None:
    file, old, new = edit
    parcels.replace(file, old, new)
    code, out, err = await stage.run("apply", parcels.folder)
    assert (code, err) == (3, "everlog: 1 finding\n")
    assert said.format(type=parcels.type) in out
    code, out, err = await stage.run("apply", parcels.folder, "--json")
    assert (code, err) == (3, "")
    told = json.loads(out)
    assert told["file"] == str(parcels.folder / file)
    if "^" in said:
        line = said.split("\n")[-2]
        assert told["column"] == line.index("^") - 3


async def test_nothing_is_applied_when_one_of_the_folders_is_bad(
    stage: Stage, parcels: Parcels, tmp_path: Path
) -> None:
    other = Parcels(stage, tmp_path)
    other.replace("projection.yaml", "tables:", "table:")
    code, out, _ = await stage.run("apply", parcels.folder, other.folder)
    assert (code, out) == (
        3,
        f"{other.folder}/projection.yaml:2: table: there is no such field\n",
    )
    assert parcels.name not in await stage.ran("list")
    (other.folder / "projection.yaml").unlink()
    code, _, err = await stage.run("apply", other.folder)
    assert code == 2
    assert "projection.yaml can't be read: No such file or directory" in err


async def test_a_failing_event_stops_it_until_somebody_skips_the_event(
    stage: Stage, parcels: Parcels
) -> None:
    await stage.ran("apply", parcels.folder, "--wait")
    await parcels.send("a", 100)
    poison = await parcels.send("b", None)
    await parcels.send("c", 300)
    name = parcels.name
    code, out, err = await stage.run("status", name, "--wait")
    assert (code, out) == (3, "")
    assert err == f"everlog: {name} is stopped: see `everlog projections errors {name}`\n"
    assert parcels.rows == [("a", 100)]
    told = await stage.ran("errors", name)
    for part in (
        f"failed: position {poison.position:,}, {parcels.type} {name}/b#1, {poison.event_id}\n",
        "  tried once",
        "  statement 1 of handler 1:\n    INSERT INTO parcels (id, grams)\n",
        "    aggregate_id = b\n",
        '  23502: null value in column "grams" of relation "parcels" violates not-null',
    ):
        assert part in told
    [error] = map(json.loads, (await stage.ran("errors", name, "--json")).splitlines())
    assert error["event"]["position"] == poison.position
    assert (error["sqlstate"], error["parked"]) == ("23502", False)
    assert error["parameters"] == {"aggregate_id": "b"}
    status = await stage.ran("status", name)
    assert "stopped" in status
    assert "23502: null value" in status
    assert await stage.ran("retry", name) == f"the projector of {name} tries again\n"
    await parcels.reaches(Projection.STATE_STOPPED)
    await stage.ran("skip", name, poison.event_id)
    await stage.ran("status", name, "--wait")
    assert parcels.rows == [("a", 100), ("c", 300)]
    code, out, err = await stage.run("skip", name, poison.event_id)
    assert (code, out) == (3, "")
    assert "EVENT_NOT_PENDING" in err


async def test_parked_events_are_retried_and_skipped(stage: Stage, tmp_path: Path) -> None:
    parcels = Parcels(stage, tmp_path, on_failure="park")
    await stage.ran("apply", parcels.folder, "--wait")
    poison = await parcels.send("a", None)
    await parcels.send("b", 200)
    name = parcels.name
    assert json.loads(await stage.ran("status", name, "--wait", "--json"))["parked"] == 1
    assert parcels.rows == [("b", 200)]
    assert (await stage.ran("errors", name)).startswith("parked: position")
    code, out, _ = await stage.run("retry", name)
    assert (code, out) == (3, "0 took effect, 1 failed again\n")
    code, out, _ = await stage.run("retry", name, poison.event_id, "--json")
    assert (code, json.loads(out)) == (3, {"succeeded": 0, "failed": 1})
    effects = map(json.loads, (await stage.ran("effects", poison.event_id, "--json")).splitlines())
    assert {"projection": name, "effect": "failed"} in effects
    await stage.ran("skip", name, poison.event_id)
    code, out, err = await stage.run("errors", name)
    assert (code, out, err) == (0, "", f"everlog: no event failed in {name}\n")


async def test_it_rests_while_it_is_paused(stage: Stage, parcels: Parcels) -> None:
    await stage.ran("apply", parcels.folder, "--wait")
    name = parcels.name
    assert (await stage.ran("pause", name)).startswith(f"{name}  paused  at position")
    await parcels.send("a", 100)
    code, _, err = await stage.run("status", name, "--wait")
    assert (code, err) == (
        3,
        f"everlog: {name} is paused: see `everlog projections resume {name}`\n",
    )
    assert parcels.rows == []
    assert (await stage.ran("resume", name)).startswith(f"{name}  running  at position")
    await stage.ran("status", name, "--wait")
    assert parcels.rows == [("a", 100)]


async def test_an_event_can_be_asked_what_it_did(stage: Stage, parcels: Parcels) -> None:
    await stage.ran("apply", parcels.folder, "--wait")
    receipt = await parcels.send("a", 100)
    await stage.ran("status", parcels.name, "--wait")
    only = ("--projection", parcels.name)
    told = json.loads(await stage.ran("effects", receipt.event_id, *only, "--json"))
    assert (told["projection"], told["effect"]) == (parcels.name, "committed")
    assert told["transaction_id"] > 0
    [statement] = told["statements"]
    assert statement["rows"] == 1
    assert statement["parameters"] == {"aggregate_id": "a", "data.grams": "100"}
    shown = await stage.ran("effects", receipt.event_id, *only)
    assert shown.startswith(f"{parcels.name}: committed in transaction {told['transaction_id']}, ")
    assert "\n  statement 1: 1 row\n    INSERT INTO parcels (id, grams)\n" in shown


async def test_a_view_of_somebody_else_holds_up_a_rebuild_which_says_so(
    stage: Stage, parcels: Parcels
) -> None:
    parcels.replace(
        "tables.sql",
        TABLES,
        f"{TABLES}CREATE FUNCTION heaviest() RETURNS integer LANGUAGE sql\n"
        "BEGIN ATOMIC SELECT max(grams) FROM parcels; END",
    )
    await parcels.send("a", 100)
    await stage.ran("apply", parcels.folder, "--wait")
    name = parcels.name
    stage.done(f"CREATE VIEW public.{name} AS SELECT * FROM {name}.parcels")
    code, out, err = await stage.run("rebuild", name, "--wait")
    assert (code, out) == (3, "")
    assert err.startswith(f"everlog: the rebuild of {name} is blocked by ")
    assert f"public.{name}" in err
    assert "blocked by" in await stage.ran("status", name)
    stage.done(f"DROP VIEW public.{name}")
    await stage.ran("status", name, "--wait")
    assert stage.rows(f"SELECT {name}.heaviest()") == [(100,)]
    code, _, err = await stage.run("retry", name)
    assert (code, err) == (0, f"everlog: no event failed in {name}\n")


async def test_it_is_deleted_with_its_tables_or_without(stage: Stage, parcels: Parcels) -> None:
    name = parcels.name
    for flags, tables in (((), []), (("--keep-tables",), [("parcels",)])):
        await stage.ran("apply", parcels.folder, "--wait")
        assert await stage.ran("delete", name, *flags) == f"{name}  deleted\n"
        query = f"SELECT tablename FROM pg_tables WHERE schemaname = '{name}'"
        assert stage.rows(query) == tables
    code, out, err = await stage.run("delete", name)
    assert (code, out) == (4, "")
    assert "PROJECTION_NOT_FOUND" in err
    code, _, err = await stage.run("apply", parcels.folder)
    assert code == 3
    assert "PROJECTION_SCHEMA_TAKEN" in err


@pytest.mark.parametrize("command", ["status", "pause", "resume", "rebuild", "errors", "retry"])
async def test_what_is_not_there_is_not_found(stage: Stage, command: str) -> None:
    code, out, err = await stage.run(command, "nowhere")
    assert (code, out) == (4, "")
    assert err.startswith("everlog: PROJECTION_NOT_FOUND: ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("apply",), "Missing argument"),
        (("apply", "nowhere"), "does not exist"),
        (("rebuild", "a", "--cancel", "--wait"), "--cancel leaves nothing"),
        (("skip", "a", "b"), "'b' is no event id"),
        (("effects", "b"), "'b' is no event id"),
        (("status",), "Missing argument"),
    ],
)
async def test_wrong_usage_is_told(stage: Stage, arguments: tuple[str, ...], said: str) -> None:
    code, out, err = await stage.run(*arguments)
    assert (code, out) == (2, "")
    assert said in err


async def test_the_clients_have_a_method_for_each_call(stage: Stage, parcels: Parcels) -> None:
    client, name = stage.client, parcels.name
    definition = read_folder(parcels.folder).definition
    dry = await client.apply_projection(definition, dry_run=True)
    assert dry.change == ApplyProjectionResponse.CHANGE_CREATED
    with pytest.raises(everlog.ProjectionNotFound):
        await client.projection(name)
    await client.apply_projection(definition)
    poison = await parcels.send("a", None)
    stopped = await parcels.reaches(Projection.STATE_STOPPED)
    assert stopped.failure.event.event_id == poison.event_id
    [error] = [one async for one in client.projection_errors(name)]
    assert error == stopped.failure
    await client.skip_projection(name, poison.event_id)
    receipt = await parcels.send("b", 1)
    async with asyncio.timeout(30):
        followed = await client.projection_follows(name, receipt.position)
    assert followed.checkpoint >= receipt.position
    assert parcels.rows == [("b", 1)]
    assert name in [one.definition.name async for one in client.projections()]
    assert len([one async for one in client.projections(limit=1)]) == 1

    def synchronously() -> None:
        with everlog.connect_sync(stage.url) as sync:
            assert sync.pause_projection(name).state == Projection.STATE_PAUSED
            assert sync.resume_projection(name).state == Projection.STATE_RUNNING
            [effects] = sync.projection_effects(receipt.event_id, name)
            assert [one.rows for one in effects.statements] == [1]
            assert list(sync.projection_errors(name)) == []
            assert sync.rebuild_projection(name).HasField("rebuild")
            assert sync.projection(name).definition.name == name
            with pytest.raises(everlog.EventNotPending):
                sync.retry_projection(name, receipt.event_id)
            assert sync.projection_follows(name, receipt.position).checkpoint >= receipt.position
            sync.delete_projection(name)
            with pytest.raises(everlog.ProjectionInvalid) as invalid:
                sync.apply_projection(
                    ProjectionDefinition(
                        name=name, handlers=[{"event_types": ["x"], "statements": ["SELECT y"]}]
                    )
                )
            [violation] = invalid.value.field_violations
            assert violation.field.endswith("handlers[0].statements[0]")

    await asyncio.to_thread(synchronously)
