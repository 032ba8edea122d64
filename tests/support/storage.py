"""S3-compatible storage on this machine (moto), with the faults of storage elsewhere."""

import re
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

KEY, SECRET = "test-key", "test-secret"
_CONTENTS = re.compile(rb"<Contents>.*?</Contents>", re.DOTALL)
_NAME = re.compile(rb"<Key>(.*?)</Key>")


@dataclass
class Storage:
    """A server and the faults it has right now."""

    app: Any
    url: str = ""
    failing: Callable[[str, str], bool] = lambda method, path: False
    """Which requests are answered with 503, by method and path."""
    refuses: str = ""
    """The code of the error that every request is refused with, such as ExpiredToken."""
    unlisted: re.Pattern[bytes] | None = None
    """Keys that listings do not show yet."""
    ignores_conditions: bool = False
    requests: list[tuple[str, str]] = field(default_factory=list)
    """Method and path of each request."""

    @property
    def environment(self) -> dict[str, str]:
        """What tells AWS tools to use it."""
        keys = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}
        return {**keys, "AWS_ENDPOINT_URL": self.url, "AWS_DEFAULT_REGION": "us-east-1", "AWS_REGION": "us-east-1"}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answers a request."""
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        self.requests.append((method, path))
        if self.failing(method, path):
            return _refusal(environ, start_response, "503 Service Unavailable", "ServiceUnavailable")
        if self.refuses or KEY not in environ.get("HTTP_AUTHORIZATION", ""):
            return _refusal(environ, start_response, "403 Forbidden", self.refuses or "InvalidAccessKeyId")
        if self.ignores_conditions:
            environ.pop("HTTP_IF_NONE_MATCH", None)
            environ.pop("HTTP_IF_MATCH", None)
        if "list-type=2" not in environ["QUERY_STRING"] or self.unlisted is None:
            return self.app(environ, start_response)  # type: ignore[no-any-return]
        return self._listing(self.unlisted, environ, start_response)

    def _listing(
        self, unlisted: re.Pattern[bytes], environ: WSGIEnvironment, start_response: StartResponse
    ) -> list[bytes]:
        answer: list[Any] = []
        body = b"".join(self.app(environ, lambda status, headers, *_: answer.extend((status, headers))))

        def shown(entry: re.Match[bytes]) -> bytes:
            name = _NAME.search(entry[0])
            return b"" if name and unlisted.search(name[1]) else entry[0]

        body = _CONTENTS.sub(shown, body)
        headers = [each for each in answer[1] if each[0].lower() != "content-length"]
        start_response(answer[0], [*headers, ("Content-Length", str(len(body)))])
        return [body]


def _refusal(environ: WSGIEnvironment, start_response: StartResponse, status: str, code: str) -> list[bytes]:
    environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    body = f"<Error><Code>{code}</Code><Message>The storage says no.</Message></Error>".encode()
    if environ["REQUEST_METHOD"] == "HEAD":
        body = b""
    start_response(status, [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
    return [body]


@contextmanager
def storage_server(bucket: str) -> Iterator[Storage]:
    """Storage with an empty bucket, while the context lasts."""
    from moto.backends import get_backend
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"

        def log(self, type: str, message: str, *args: Any) -> None:
            """Says nothing."""

    storage = Storage(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, storage, threaded=True, request_handler=Quiet)
    storage.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    backend: Any = get_backend("s3")["123456789012"]["aws"]
    backend.create_bucket(bucket, "us-east-1")
    try:
        yield storage
    finally:
        server.shutdown()
        server.server_close()
        backend.reset()
