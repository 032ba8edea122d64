"""A small HTTP server on this machine that speaks the OpenAI chat protocol and knows how to add."""

import json
import re
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_requests: list[float] = []


def count_requests() -> int:
    """Requests for a response so far, of all servers of this process."""
    return len(_requests)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    delay_s = 0.0

    def do_GET(self) -> None:
        self._send({"object": "list", "data": [{"id": "Qwen/Qwen3-8B", "object": "model"}]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        _requests.append(time.monotonic())
        text = _reply(body)
        time.sleep(self.delay_s)
        message = {"role": "assistant", "content": text}
        usage = {"prompt_tokens": 9, "completion_tokens": len(text.split()), "total_tokens": 9 + len(text.split())}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        self._send(
            {
                "id": "x",
                "object": "chat.completion",
                "created": 0,
                "model": body["model"],
                "choices": [choice],
                "usage": usage,
            }
        )

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""

    def _send(self, body: dict[str, Any]) -> None:
        raw = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)


def _reply(body: dict[str, Any]) -> str:
    """Sums right with thinking, one off without; a sentence when asked to justify."""
    question = body["messages"][-1]["content"]
    if "attempts" in question:
        return "Two numbers of this size carry from column to column, so working through the columns first is safer."
    total = sum(int(word) for word in re.findall(r"\d+", question))
    if body["chat_template_kwargs"]["enable_thinking"]:
        return f"<think>\ncolumn by column\n</think>\n\n\\boxed{{{total}}}"
    return f"\\boxed{{{total + 1}}}"


class Server(ThreadingHTTPServer):
    request_queue_size = 1024  # of connections that come at once; with the usual 5, clients wait for seconds

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that are killed while they wait are what some tests are about."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def teacher_endpoint(delay_s: float = 0.0) -> Iterator[str]:
    """Its base URL, while the context lasts. Each answer takes it `delay_s`."""
    handler = type("Handler", (_Handler,), {"delay_s": delay_s})
    server = Server(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        server.server_close()
