"""From a folder to the definition of a projection, with everything that is wrong, by line.

`projection.yaml` has the words of `ProjectionDefinition`, but that `tables` names files, that
`handlers` is an object of event types, and that SQL may stand in files beside it. See
docs/projections.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from everlog.v1 import projections_pb2
from everlog_server.cli.catalogues.yaml_nodes import Node, YamlError, read_yaml
from everlog_server.cli.catalogues.yaml_objects import Finding, Object, Place, Reading, kind_of
from everlog_server.cli.projection_folders.files import FileError, read_sql
from everlog_server.cli.projection_folders.places import SqlField, SqlPlace, SqlText
from everlog_server.cli.projection_folders.settings import (
    POLICIES,
    read_backoff,
    read_filter,
    whole_number,
)
from everlog_server.cli.projection_folders.statements import SqlError, Statement, split

FILE_NAME = "projection.yaml"


@dataclass(slots=True)
class Folder(Reading):
    """What a folder says. `source` is the path of its `projection.yaml`."""

    path: Path = field(default_factory=Path)
    definition: projections_pb2.ProjectionDefinition = field(
        default_factory=projections_pb2.ProjectionDefinition
    )
    """What could be read."""

    sql: dict[str, SqlField] = field(default_factory=dict)
    """By the path of a field of the definition, such as `handlers[0].statements[1]`."""

    def words(self, path: str) -> str:
        """Give a path within the definition in the folder's words."""
        known = self.places.get(path)
        return known.field if known else path

    def located(
        self, message: str, *, path: str, position: int | None = None
    ) -> tuple[Finding, SqlPlace | None]:
        """Say what is wrong with a field of the definition; `position`: with which character.

        Characters of SQL are counted from 1. The place of SQL comes along, when that is known.
        """
        finding = self.finding(message, path=path)
        sql = self.sql.get(path)
        if sql is None or not sql.pieces:
            return finding, None
        at = sql.place(position or 1)
        located = Finding(at.line, finding.name, finding.field, message, file=at.file)
        return located, at if position else None

    def refuse_sql(self, text: SqlText, error: SqlError, *, shown: str) -> None:
        """Note what is no SQL."""
        at = text.place(error.offset)
        self.findings.append(Finding(at.line, "", shown, error.message, file=at.file))


def read_folder(path: Path) -> Folder:
    """Read a folder. Raises OSError when its `projection.yaml` can't be read."""
    file = path / FILE_NAME
    folder = Folder(str(file), path=path)
    content = file.read_bytes()
    try:
        root = read_yaml(content)
    except YamlError as error:
        folder.findings.append(Finding(error.line, "", "", error.message))
        return folder
    _read(folder, root)
    folder.findings.sort(key=lambda finding: (finding.file or folder.source, finding.line))
    return folder


def _read(folder: Folder, root: Node) -> None:
    fields = Object(folder, root, path="", line=root.line, name="")
    if not isinstance(root.value, dict):
        return
    definition = folder.definition
    definition.name = fields.text("name")
    if "name" not in root.value:
        fields.say("is missing", line=root.line, word="name")
    definition.schema = fields.text("schema")
    fields.text("description")  # for people
    if (node := fields.take("filter")) is not None:
        read_filter(definition.filter, folder, node, line=fields.line("filter"))
    if policy := fields.choice("on_failure", POLICIES):
        definition.on_failure = policy
    definition.attempts_max = whole_number(fields, "attempts_max")
    if (node := fields.take("backoff")) is not None:
        read_backoff(definition.backoff, folder, node, line=fields.line("backoff"))
    definition.readers.extend(fields.texts("readers"))
    _read_tables(folder, fields)
    _read_handlers(folder, fields, root)
    fields.end()


# --- Tables ---------------------------------------------------------------------------------------


def _read_tables(folder: Folder, fields: Object) -> None:
    names = fields.texts("tables")
    sql = folder.sql["tables"] = SqlField()
    whole = ""
    for name in names:
        text = _file(folder, name, line=fields.line("tables"), shown="tables")
        if text is None:
            continue
        try:
            statements = split(text.text)
        except SqlError as error:
            folder.refuse_sql(text, error, shown="tables")
            continue
        # Its last statement must not run into the first one of the next file.
        ended = not statements or statements[-1].is_ended
        piece = text.text + ("\n" if ended else "\n;\n")
        sql.add(text, 0, len(piece))
        whole += piece
    folder.definition.tables = whole


def _file(folder: Folder, name: str, *, line: int, shown: str) -> SqlText | None:
    """Read a file of the folder; None, and a finding, when that can't be done."""
    try:
        return read_sql(folder.path, name)
    except FileError as error:
        folder.findings.append(Finding(line, "", shown, f"file {name!r} {error}"))
        return None


# --- Handlers -------------------------------------------------------------------------------------


def _read_handlers(folder: Folder, fields: Object, root: Node) -> None:
    node = fields.take("handlers")
    if node is None:
        fields.say("is missing", line=root.line, word="handlers")
        return
    if not isinstance(node.value, dict) or not node.value:
        shown = kind_of(node) if not isinstance(node.value, dict) else "empty"
        message = f"is {shown}, expected an object: an event type, and what it does"
        fields.say(message, line=fields.line("handlers"), word="handlers")
        return
    taken: dict[str, int] = {}
    for key, value in node.value.items():
        line = node.key_lines[key]
        number = len(folder.definition.handlers)
        handler = folder.definition.handlers.add(
            event_types=[name.strip() for name in key.split(",")]
        )
        path, shown = f"handlers[{number}]", f"handlers.{key}"
        folder.places[path] = Place(value, line, "", shown)
        _judge_event_types(folder, list(handler.event_types), taken, line=line, shown=shown)
        for text, statement in _statements(folder, value, line=line, shown=shown):
            place = f"{path}.statements[{len(handler.statements)}]"
            sql = folder.sql[place] = SqlField()
            sql.add(text, statement.offset, len(statement.text))
            folder.places[place] = Place(value, line, "", shown)
            handler.statements.append(statement.text)


def _judge_event_types(
    folder: Folder, names: list[str], taken: dict[str, int], *, line: int, shown: str
) -> None:
    """Note event types that no event can have, or whose events an earlier handler takes."""
    for name in names:
        if not name:
            folder.findings.append(Finding(line, "", shown, "an event type is empty"))
            continue
        prefixes = [name[: end + 1] + "*" for end, letter in enumerate(name) if letter == "."]
        first = next((one for one in (name, *prefixes) if one in taken), None)
        if first is not None:
            message = f"{name} never runs: the handler on line {taken[first]} takes {first} first"
            folder.findings.append(Finding(line, "", shown, message))
        taken.setdefault(name, line)


def _statements(
    folder: Folder, node: Node, *, line: int, shown: str
) -> list[tuple[SqlText, Statement]]:
    """Give the statements of a handler, and the text that each stands in."""
    found: list[tuple[SqlText, Statement]] = []
    for item in node.value if isinstance(node.value, list) else [node]:
        # A value of an object has the line of its key, an item of a list its own.
        text = _sql_text(folder, item, line=line if item is node else item.line, shown=shown)
        if text is None:
            continue
        try:
            statements = split(text.text)
        except SqlError as error:
            folder.refuse_sql(text, error, shown=shown)
            continue
        if not statements:
            message = "has no statement" if text.file == folder.source else "the file is empty"
            folder.findings.append(Finding(text.first_line, "", shown, message, file=text.file))
        found += [(text, statement) for statement in statements]
    if node.value == []:
        folder.findings.append(Finding(line, "", shown, "has no statement"))
    return found


def _sql_text(folder: Folder, node: Node, *, line: int, shown: str) -> SqlText | None:
    match node.value:
        case str() as text if node.is_block:
            return SqlText(folder.source, text, first_line=node.line + 1)
        case str() as text:
            return SqlText(folder.source, text, first_line=node.line, is_block=False)
        case dict() as members if members.keys() == {"file"}:
            name = members["file"].value
            if isinstance(name, str):
                return _file(folder, name, line=node.key_lines["file"], shown=shown)
            message = f"file is {kind_of(members['file'])}, expected a text"
        case dict():
            message = "is an object, expected SQL, `file: NAME.sql`, or a list of these"
        case _:
            message = f"is {kind_of(node)}, expected SQL, `file: NAME.sql`, or a list of these"
    folder.findings.append(Finding(line, "", shown, message))
    return None
