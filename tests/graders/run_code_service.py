"""A service that speaks SandboxFusion's `POST /run_code`, and runs what it is given in a sandbox on this machine."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from hipo_data.graders.sandbox.box import Box
from hipo_data.graders.sandbox.run import Exceeded, Limits
from hipo_data.schemas.grading import GradingConfig

FIELDS = {"code", "language", "compile_timeout", "run_timeout", "stdin", "files", "fetch_files"}


class Service:
    """What was asked, and what to answer instead of running it: HTTP statuses or bodies, used up one by one."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.asked: list[dict[str, Any]] = []
        self.instead: list[int | dict[str, Any]] = []


@contextmanager
def service() -> Iterator[Service]:
    box, lock = Box(GradingConfig(sandbox="none")), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                made.asked.append(body)
                answer: int | dict[str, Any] = made.instead.pop(0) if made.instead else run(box, body)
            self.send_response(answer if isinstance(answer, int) else 200)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made = Service(f"http://127.0.0.1:{server.server_port}/")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield made
        finally:
            server.shutdown()
            box.close()


def run(box: Box, body: dict[str, Any]) -> dict[str, Any]:
    assert set(body) == FIELDS and body["language"] == "python"
    with box.run(Limits(cpu_s=60, memory=4 << 30)) as started:
        started.send({"mode": "stdin", "code": body["code"], "isolated": False}, body["stdin"].encode())
        try:
            ended = started.exit()
        except Exceeded:
            return response("TimeLimitExceeded", None, "")
    return response("Finished", ended.code, ended.output.decode())


def response(status: str, code: int | None, output: str) -> dict[str, Any]:
    result = {"status": status, "execution_time": 0.1, "return_code": code, "stdout": output, "stderr": ""}
    return {"status": "Success" if code == 0 else "Failed", "message": "", "compile_result": None, "run_result": result}
