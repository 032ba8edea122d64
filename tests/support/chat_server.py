"""A server on this machine that speaks the OpenAI chat protocol; what it answers is the test's."""

import json
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Body = dict[str, Any]


class Server(ThreadingHTTPServer):
    request_queue_size = 1024  # of connections that come at once; with the usual 5, clients wait for seconds

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that are killed while they wait are what some tests are about."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def chat_server(models: Sequence[str], reply: Callable[[Body], Body]) -> Iterator[str]:
    """Its base URL, while the context lasts.

    Args:
        models: names that it lists.
        reply: the JSON object that it answers a request's with.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._send({"object": "list", "data": [{"id": name, "object": "model"} for name in models]})

        def do_POST(self) -> None:
            self._send(reply(json.loads(self.rfile.read(int(self.headers["Content-Length"])))))

        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing."""

        def _send(self, body: Body) -> None:
            raw = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        server.server_close()
