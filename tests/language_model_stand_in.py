"""A stand-in for Anthropic's API: a real HTTP server that answers as it is told to."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class StandIn:
    """What it answers, and what it was asked."""

    url: str = ""
    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    _may_answer: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Within the block nobody is answered."""
        self._may_answer.clear()
        try:
            yield
        finally:
            self._may_answer.set()

    def says(self, text: str, *, stop_reason: str = "end_turn") -> None:
        """Its next answers are this message."""
        content = [{"type": "text", "text": text}] if text else []
        message = {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "m",
            "content": content,
            "stop_reason": stop_reason,
            "stop_sequence": None,
            "usage": {"input_tokens": 1, "output_tokens": 1},
        }
        self.status, self.body = 200, json.dumps(message).encode()


@contextmanager
def stand_in() -> Iterator[StandIn]:
    """A stand-in that answers until the block ends."""
    told = StandIn()
    told._may_answer.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            told.requests.append(json.loads(self.rfile.read(length)))
            told.keys.append(self.headers["authorization"].removeprefix("Bearer "))
            told._may_answer.wait()
            try:
                self.send_response(told.status)
                self.send_header("content-type", told.content_type)
                self.send_header("content-length", str(len(told.body)))
                self.end_headers()
                self.wfile.write(told.body)
            except ConnectionError:  # who asked has gone, as some tests want it
                self.close_connection = True

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    told.url = f"http://127.0.0.1:{server.server_port}"
    # Its end is noticed at the next look, so that takes 5 ms and not half a second.
    thread = threading.Thread(target=server.serve_forever, args=(0.005,))
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
