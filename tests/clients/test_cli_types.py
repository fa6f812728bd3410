"""`everlog types` and the client's methods for it, on a real server.

One server for all of them; each test has a tenant of its own.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import everlog
from everlog_server.cli.catalogues.reading import BUNDLES, read, read_source
from tests.clients.test_cli_commands import run
from tests.servers import SharedServer

PARCEL = """
event_types:
  - name: parcel.sent
    category: parcel
    description: A parcel is on its way.
    aggregate_type: parcel
    starts_aggregate: true
    aggregate_id_pattern: 'P-[0-9]+'
    schema: {type: object, required: [carrier], properties: {carrier: {type: string}}}
    example: {carrier: dhl}
  - name: parcel.scanned
    category: parcel
    aggregate_type: parcel
aggregate_types:
  - name: parcel
    initial_state: {scans: 0}
    reductions:
      - events: parcel.scanned
        steps: [increment: {target: /scans, constant: 1}]
"""


@pytest.fixture
def tenant(shared_server: SharedServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """A new one, which the commands take from the environment."""
    tenant = shared_server.new_tenant()
    monkeypatch.setenv("EVERLOG_TENANT", tenant)
    return tenant


@pytest.fixture
def url(shared_server: SharedServer, tenant: str) -> str:
    return shared_server.url


@pytest.fixture
def parcel(tmp_path: Path) -> str:
    file = tmp_path / "parcel.yaml"
    file.write_text(PARCEL)
    return str(file)


async def types(url: str, *arguments: str, stdin: str = "") -> tuple[int, str, str]:
    return await run("types", *arguments, "--url", url, stdin=stdin)


async def test_each_bundle_is_imported_whole_and_a_second_time_unchanged(
    url: str, tenant: str
) -> None:
    async with everlog.connect(url, tenant=tenant) as client:
        for bundle in BUNDLES:
            request = read_source(bundle).request
            names = [one.name for one in (*request.event_types, *request.aggregate_types)]
            planned = await client.import_catalog(
                request.event_types, request.aggregate_types, dry_run=True
            )
            assert planned.added == names
            first = await client.import_catalog(request.event_types, request.aggregate_types)
            assert (first.added, first.updated, first.unchanged) == (names, [], [])
            again = await client.import_catalog(request.event_types, request.aggregate_types)
            assert (again.added, again.updated, again.unchanged) == ([], [], names)


async def test_an_export_imported_elsewhere_is_the_same_catalogue(url: str, tmp_path: Path) -> None:
    for bundle in BUNDLES:
        code, _, _ = await types(url, "import", bundle)
        assert code == 0
    code, exported, _ = await types(url, "export")
    assert code == 0
    file = tmp_path / "exported.yaml"
    file.write_text(exported)
    assert (await run("types", "check", str(file)))[0] == 0
    code, out, _ = await types(url, "import", str(file), "--json")
    answer = json.loads(out)
    assert (code, answer["added"], answer["updated"]) == (0, [], [])
    whole = [read_source(bundle).request for bundle in BUNDLES]
    event_types = [one for request in whole for one in request.event_types]
    read_back = read(exported.encode(), source="exported").request
    assert list(read_back.event_types) == sorted(event_types, key=lambda one: one.name)


async def test_a_file_is_imported_listed_shown_and_updated(url: str, parcel: str) -> None:
    code, out, err = await types(url, "import", parcel, "--dry-run")
    assert (code, err) == (0, "everlog: would be: 3 added, 0 updated, 0 unchanged\n")
    assert (await types(url, "show", "parcel.sent"))[0] == 4

    code, out, err = await types(url, "import", parcel)
    assert (code, err) == (0, "everlog: 3 added, 0 updated, 0 unchanged\n")
    assert out.split() == ["added", "parcel.sent", "added", "parcel.scanned", "added", "parcel"]

    code, out, _ = await types(url, "list", "--prefix", "parcel.")
    assert code == 0
    assert [line.split()[:3] for line in out.splitlines()] == [
        ["parcel.scanned", "1", "parcel"],
        ["parcel.sent", "1", "parcel"],
    ]
    assert "starts" in out.splitlines()[1]

    changed = PARCEL.replace("on its way", "underway")
    code, out, err = await types(url, "import", "-", "--json", stdin=changed)
    assert (code, err) == (0, "")
    assert json.loads(out) == {
        "dry_run": False,
        "added": [],
        "updated": ["parcel.sent"],
        "unchanged": ["parcel.scanned", "parcel"],
    }
    code, out, _ = await types(url, "show", "parcel.sent", "--json")
    shown = json.loads(out)
    assert (shown["version"], shown["description"]) == (2, "A parcel is underway.")
    assert shown["schema"]["required"] == ["carrier"]
    code, out, _ = await types(url, "show", "parcel.sent", "--version", "1")
    assert out.startswith("# version: 1\n")
    assert "A parcel is on its way." in out
    code, out, _ = await types(url, "show", "parcel", "--aggregate", "--json")
    assert json.loads(out)["reductions"][0]["events"] == ["parcel.scanned"]
    for missing in (("show", "no.such"), ("show", "parcel.sent", "--version", "9")):
        assert (await types(url, *missing))[0] == 4


async def test_a_bad_file_is_refused_by_line_and_changes_nothing(url: str, parcel: str) -> None:
    bad = PARCEL.replace("carrier: dhl", "carrier: 7")
    code, out, _ = await types(url, "import", "-", stdin=bad)
    assert code == 3
    assert out.startswith('-:10: parcel.sent: example/carrier: 7 is not of type "string"')
    code, out, _ = await types(url, "list", "--category", "parcel")
    assert (code, out) == (0, "")


async def test_deprecation_and_policy(url: str, parcel: str) -> None:
    await types(url, "import", parcel)
    code, out, _ = await types(url, "deprecate", "parcel.scanned", "--note", "use parcel.seen")
    assert code == 0
    assert out.startswith("parcel.scanned is deprecated since ")
    _, out, _ = await types(url, "list", "--category", "parcel")
    assert "parcel.scanned" not in out
    _, out, _ = await types(url, "list", "--category", "parcel", "--all", "--json")
    deprecated, sent = map(json.loads, out.splitlines())
    assert deprecated["deprecation_note"] == "use parcel.seen"
    assert "deprecated_time" not in sent
    code, out, _ = await types(url, "deprecate", "parcel.scanned", "--undo")
    assert (code, out) == (0, "parcel.scanned is not deprecated\n")
    assert (await types(url, "deprecate", "no.such"))[0] == 4

    assert (await types(url, "policy"))[:2] == (0, "open\n")
    assert (await types(url, "policy", "strict"))[:2] == (0, "strict\n")
    assert (await types(url, "policy", "--json"))[:2] == (0, '{"policy":"strict"}\n')
    emit = ("emit", "parcel.lost", "--aggregate", "parcel/P-1", "--data", "{}", "--url", url)
    code, _, err = await run(*emit)
    assert (code, err.startswith("everlog: EVENT_TYPE_UNKNOWN:")) == (3, True)


async def test_another_tenant_sees_nothing_of_it(
    url: str, parcel: str, shared_server: SharedServer
) -> None:
    await types(url, "import", parcel)
    await types(url, "policy", "strict")
    other = ("--tenant", shared_server.new_tenant())
    assert (await types(url, "policy", *other))[:2] == (0, "open\n")
    _, out, _ = await types(url, "list", "--all", *other)
    assert "parcel" not in out


async def test_the_client_has_a_method_for_each_call(url: str, tenant: str) -> None:
    definition = everlog.event_type_definition(
        "parcel.lost",
        category="parcel",
        schema={"type": "object", "required": ["why"]},
        example={"why": "über Bord"},
        documentable=True,
    )
    async with everlog.connect(url, tenant=tenant) as client:
        registered = await client.register_event_type(definition)
        assert (registered.version, registered.definition) == (1, definition)
        assert (await client.register_event_type(definition)).version == 1
        definition.description = "It is gone."
        with pytest.raises(everlog.EventTypeExists):
            await client.register_event_type(definition)
        updated = await client.update_event_type(definition, expected_version=1)
        assert updated.version == 2
        definition.description = "It is gone for good."
        with pytest.raises(everlog.VersionConflict):
            await client.update_event_type(definition, expected_version=1)
        assert (await client.event_type("parcel.lost", version=1)).version == 1
        with pytest.raises(everlog.EventTypeNotFound):
            await client.event_type("parcel.found")
        with pytest.raises(everlog.InvalidRequest) as refused:
            await client.register_event_type(everlog.event_type_definition("", schema=True))
        assert refused.value.field_violations[0].field == "definition.name"
        paged = [one.definition.name async for one in client.event_types(page_size=1)]
        assert "parcel.lost" in paged
        assert paged == sorted(paged)
        assert (await client.deprecate_event_type("parcel.lost", note="no")).deprecation_note
        with pytest.raises(ValueError, match="expected one of"):
            await client.set_catalog_policy("closed")  # type: ignore[arg-type] # on purpose

        reducer = read(PARCEL.encode(), source="parcel").request.aggregate_types[0]
        assert (await client.set_aggregate_type(reducer)).version == 1
        assert (await client.aggregate_type("parcel")).definition == reducer
        assert [one.version async for one in client.aggregate_types(page_size=1)] == [1]
        with pytest.raises(everlog.AggregateTypeNotFound):
            await client.aggregate_type("letter")


def test_threads_have_the_same_methods(url: str, tenant: str) -> None:
    with everlog.connect_sync(url, tenant=tenant) as client:
        assert client.set_catalog_policy("strict") == "strict"
        assert client.catalog_policy() == "strict"
        request = read_source("commerce").request
        assert len(client.import_catalog(request.event_types).added) == 20
        assert len(list(client.event_types(name_prefix="agent.", page_size=2))) == 3
