"""Server reflection: what tools ask before they can call anything."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from google.protobuf import descriptor_pb2
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from everlog.v1 import entities_pb2, event_store_pb2, narratives_pb2
from everlog_server.identity.callers import OpenDoor
from everlog_server.rpc.reflection import add_reflection

SERVICE = event_store_pb2.DESCRIPTOR.services_by_name["EventStoreService"].full_name
NARRATIVES = narratives_pb2.DESCRIPTOR.services_by_name["NarrativeService"].full_name


async def ask(symbol: str) -> Any:
    server = grpc.aio.server()
    add_reflection([SERVICE, NARRATIVES], server, OpenDoor())
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    request = reflection_pb2.ServerReflectionRequest(file_containing_symbol=symbol)
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
        answers = [answer async for answer in stub.ServerReflectionInfo(iter([request]))]
    await server.stop(None)
    return answers[0]


@pytest.mark.parametrize(
    "symbol", [SERVICE, f"{SERVICE}.Emit", f"{SERVICE}.Subscribe", "everlog.v1.EmitRequest"]
)
async def test_a_symbol_is_found_in_its_file(symbol: str) -> None:
    answer = await ask(symbol)
    files = [
        descriptor_pb2.FileDescriptorProto.FromString(file).name
        for file in answer.file_descriptor_response.file_descriptor_proto
    ]
    assert "everlog/v1/event_store.proto" in files


async def test_entities_are_described_too() -> None:
    service = entities_pb2.DESCRIPTOR.services_by_name["EntityService"].full_name
    answer = await ask(f"{service}.EventsOfEntity")
    files = [
        descriptor_pb2.FileDescriptorProto.FromString(file).name
        for file in answer.file_descriptor_response.file_descriptor_proto
    ]
    assert "everlog/v1/entities.proto" in files


@pytest.mark.parametrize("symbol", [f"{SERVICE}.Missing", "everlog.v1.Missing", "", "no symbol"])
async def test_what_is_not_there_is_not_found(symbol: str) -> None:
    answer = await ask(symbol)
    assert answer.error_response.error_code == grpc.StatusCode.NOT_FOUND.value[0]


@pytest.mark.parametrize("symbol", [NARRATIVES, f"{NARRATIVES}.Trace", "everlog.v1.Narrative"])
async def test_narratives_are_described_too(symbol: str) -> None:
    answer = await ask(symbol)
    files = [
        descriptor_pb2.FileDescriptorProto.FromString(file).name
        for file in answer.file_descriptor_response.file_descriptor_proto
    ]
    assert "everlog/v1/narratives.proto" in files


@pytest.mark.parametrize(
    ("method", "kind"),
    [
        ("/grpc.health.v1.Health/Check", "unary_stream"),
        ("/grpc.health.v1.Health/Watch", "unary_stream"),
        ("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", "stream_stream"),
    ],
)
def test_nonsense_is_refused_without_a_traceback(
    shared_server: Any, method: str, kind: str
) -> None:
    nonsense = b"\xff" * 30
    with grpc.insecure_channel(shared_server.server.address) as channel:
        call = getattr(channel, kind)(method)
        answer = call(iter([nonsense]) if kind == "stream_stream" else nonsense, timeout=20)
        with pytest.raises(grpc.RpcError) as refused:
            list(answer)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "Traceback" not in shared_server.server.log
