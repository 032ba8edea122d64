"""An HTTP server on this machine that speaks the OpenAI chat protocol, and misbehaves when a test says so."""

import json
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Reply = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Endpoint:
    """What the server serves and what it was asked. `replies` are used up in order, then those follow that `choose`
    gives to a request's body: `good` ones."""

    url: str = ""
    models: Reply | None = None
    choose: Callable[[dict[str, Any]], Reply] = field(default=lambda body: good())
    replies: list[Reply] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)


def good(text: str | None = "4", finish: str | None = "stop", usage: Any = None, **message: Any) -> Reply:
    """A chat completion."""
    used = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10} if usage is None else usage
    return answer(
        {
            "id": "x",
            "object": "chat.completion",
            "created": 0,
            "model": "teacher",
            "choices": [
                {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text, **message}}
            ],
            "usage": used,
        }
    )


def answer(body: Any, status: int = 200, **headers: str) -> Reply:
    """`body` as JSON, or as it is where it is text, under `status`."""
    kind = "text/html" if isinstance(body, str) and body.startswith("<") else "application/json"

    def reply(handler: BaseHTTPRequestHandler) -> None:
        raw = (body if isinstance(body, str) else json.dumps(body)).encode()
        handler.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(raw)), **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(raw)

    return reply


def fails(status: int, message: str = "no", headers: dict[str, str] | None = None, **error: Any) -> Reply:
    """An error in OpenAI's form."""
    return answer({"error": {"message": message, "type": "x", **error}}, status, **(headers or {}))


def cut(handler: BaseHTTPRequestHandler) -> None:
    """Promises more than it sends, then closes the connection."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"choices": [')
    handler.close_connection = True


def endless(handler: BaseHTTPRequestHandler) -> None:
    """A text that never ends, until the client has had enough."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.end_headers()
    handler.wfile.write(b'{"choices": [{"message": {"content": "')
    handler.close_connection = True
    with suppress(OSError):
        while True:
            handler.wfile.write(b"and " * 2**12)


@contextmanager
def serve() -> Iterator[Endpoint]:
    """Runs the server on a free port until the context ends."""
    endpoint = Endpoint()
    connections: list[socket.socket] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            connections.append(self.connection)

        def do_GET(self) -> None:
            self._note()
            listed = {"object": "list", "data": [{"id": "teacher", "object": "model", "created": 0, "owned_by": "x"}]}
            (endpoint.models or answer(listed))(self)

        def do_POST(self) -> None:
            self._note()
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            endpoint.bodies.append(body)
            (endpoint.replies.pop(0) if endpoint.replies else endpoint.choose(body))(self)

        def _note(self) -> None:
            endpoint.paths.append(self.path)
            endpoint.keys.append(self.headers["Authorization"])

        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing."""

    class Server(ThreadingHTTPServer):
        request_queue_size = 1024  # the default of 5 resets connections that come at once

        def handle_error(self, request: Any, client_address: Any) -> None:
            """Says nothing of clients that left, which is theirs to do."""
            if not isinstance(sys.exception(), ConnectionError):
                super().handle_error(request, client_address)

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    endpoint.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield endpoint
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        for connection in connections:  # those kept alive would still be served
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
