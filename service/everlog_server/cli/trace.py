"""`everlog trace`: the graph around an event, as a tree, as JSON or for Graphviz."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator
from typing import Any, NamedTuple

import click
import orjson
from rich.text import Text
from rich.tree import Tree

import everlog
from everlog import Graph, GraphEdge, GraphNode
from everlog_server.cli.event_json import event_line
from everlog_server.cli.failures import run, say
from everlog_server.cli.graph_options import graph_options
from everlog_server.cli.parameters import EVENT_ID
from everlog_server.cli.rendering import Output, shown_time, visible
from everlog_server.cli.target import Target, client_options

_EXAMPLES = """\b
Examples:
  everlog trace 01976a3c-8d2e-7cc0-a1b2-c3d4e5f60718 --direction backwards
  everlog trace 01976a3c-8d2e-7cc0-a1b2-c3d4e5f60718 --dot | dot -Tsvg > workflow.svg
"""

_NAMES = {"related": "names", "causation": "caused by", "correlation": "follows"}
_NAMED = {"related": "named by", "causation": "caused", "correlation": "followed by"}


@click.command(epilog=_EXAMPLES)
@click.argument("event_id", metavar="EVENT_ID", type=EVENT_ID)
@graph_options(events_max=10_000)
@click.option("--dot", is_flag=True, help="For Graphviz: a graph in the DOT language.")
@client_options
def trace(*, target: Target, event_id: str, dot: bool, **asked: Any) -> None:
    """Show what led to an event, and what came of it.

    Each event is shown once, with those that it is linked to beneath it; ↑ points to one that
    stands elsewhere in the tree.
    """
    run(_trace(target, event_id, dot=dot, **asked))


async def _trace(target: Target, event_id: str, *, dot: bool, **asked: Any) -> None:
    async with target.connect() as client:
        graph = await client.trace(event_id, outcomes=True, **asked)
    output = Output(as_json=target.json)
    if target.json:
        output.document(_fields(graph))
    elif dot:
        for line in dot_lines(graph):
            output.line(line)
    else:
        tree = SpanningTree(graph, event_id)
        if output.terminal:
            output.render(tree.as_rich())
        else:
            for line in tree.lines():
                output.line(line)
    output.flush()
    if graph.truncated and not target.json:
        say("there is more: --max-events or a smaller --max-depth shows another part")


def _fields(graph: Graph) -> dict[str, Any]:
    return {
        "events": [orjson.Fragment(event_line(event).rstrip()) for event in graph.events],
        "nodes": [
            {"event_id": node.event_id, "depth": node.depth, "dangling": node.event is None}
            for node in graph.nodes
        ],
        "edges": [
            {
                "from_event_id": edge.from_event_id,
                "to_event_id": edge.to_event_id,
                "kind": edge.kind,
            }
            for edge in graph.edges
        ],
        "truncated": graph.truncated,
    }


class _Branch(NamedTuple):
    """What stands under a node: how it is linked, to whom, and whether that one is there whole."""

    how: str
    node: GraphNode
    is_repeated: bool


class SpanningTree:
    """A tree of shortest ways that has every node once, and every other link as a pointer."""

    def __init__(self, graph: Graph, root_id: str) -> None:
        nodes = {node.event_id: node for node in graph.nodes}
        links: dict[str, list[tuple[GraphEdge, bool]]] = {event_id: [] for event_id in nodes}
        for edge in graph.edges:
            links[edge.from_event_id].append((edge, False))
            if edge.to_event_id != edge.from_event_id:
                links[edge.to_event_id].append((edge, True))
        self._root = nodes[root_id]
        self._branches: dict[str, list[_Branch]] = {event_id: [] for event_id in nodes}
        shown: set[GraphEdge] = set()
        reached = {root_id}
        waiting = deque([root_id])
        while waiting:
            event_id = waiting.popleft()
            for edge, reverse in links[event_id]:
                if edge in shown:
                    continue
                shown.add(edge)
                other = edge.from_event_id if reverse else edge.to_event_id
                how = (_NAMED if reverse else _NAMES)[edge.kind]
                self._branches[event_id].append(_Branch(how, nodes[other], other in reached))
                if other not in reached:
                    reached.add(other)
                    waiting.append(other)

    def as_rich(self) -> Tree:
        """For a terminal."""
        tree = Tree(_label("", self._root))
        waiting = [(tree, self._root)]
        while waiting:
            place, node = waiting.pop()
            for how, other, is_repeated in self._branches[node.event_id]:
                if is_repeated:
                    place.add(Text(f"{how} ↑ {_place(other)}", style="dim"))
                else:
                    waiting.append((place.add(_label(how, other)), other))
        return tree

    def lines(self) -> Iterator[str]:
        """Plain lines, indented."""
        waiting = [(0, _Branch("", self._root, False))]
        while waiting:
            indent, (how, node, is_repeated) = waiting.pop()
            if is_repeated:
                yield f"{'  ' * indent}{how} ^ {_place(node)}"
                continue
            yield "  " * indent + _label(how, node).plain
            beneath = self._branches[node.event_id]
            waiting += [(indent + 1, branch) for branch in reversed(beneath)]


def _label(how: str, node: GraphNode) -> Text:
    lead = Text(f"{how} " if how else "", style="dim")
    event = node.event
    if event is None:
        return lead + Text(f"{node.event_id} (not in the log)", style="red")
    text = lead + Text(str(event.position), style="bold")
    text += Text(f"  {visible(event.event_type)}", style="cyan")
    text += Text(f"  {visible(str(event.aggregate))}#{event.sequence}")
    text += Text(f"  {shown_time(event.record_time)}", style="dim")
    if event.actor:
        text += Text(f"  {visible(event.actor)}", style="magenta")
    if event.intent is not None and event.intent.goal:
        text += Text(f"  goal: {visible(event.intent.goal)}", style="italic")
    if event.outcome is not None:
        text += Text(f"  → {visible(event.outcome.outcome)}", style="green")
    return text


def _place(node: GraphNode) -> str:
    return node.event_id if node.event is None else str(node.event.position)


def dot_lines(graph: Graph) -> Iterator[str]:
    """The graph in Graphviz's DOT language, links pointing to what is named."""
    yield "digraph everlog {"
    yield '  node [shape=box, fontname="sans-serif"];'
    for node in graph.nodes:
        yield f"  {json.dumps(node.event_id)} [label={_dot_label(node.event)}];"
    for edge in graph.edges:
        ends = f"{json.dumps(edge.from_event_id)} -> {json.dumps(edge.to_event_id)}"
        yield f"  {ends} [label={json.dumps(edge.kind)}];"
    yield "}"


def _dot_label(event: everlog.RecordedEvent | None) -> str:
    if event is None:
        return '"not in the log", style=dashed'
    told = [event.event_type, f"{event.aggregate}#{event.sequence}"]
    if event.outcome is not None:
        told.append(f"→ {event.outcome.outcome}")
    escaped = (visible(text[:200]).replace("\\", "\\\\").replace('"', '\\"') for text in told)
    return '"' + "\\n".join(escaped) + '"'
