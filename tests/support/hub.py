"""A Hugging Face Hub on this machine: datasets at several revisions, as huggingface_hub and datasets ask for them.

What writes is answered where `hub_writes` is told to.

Small files are sent as they are; Parquet is kept as the Hub keeps large files (Git LFS): its address redirects to a
store with another name, to which a client must not send its token. Failures can be planted.
"""

import hashlib
import json
import re
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import Message
from fnmatch import fnmatchcase
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

Files = Mapping[str, bytes]

_API = re.compile(r"/api/datasets/([^/]+/[^/]+)(?:/(revision|tree|paths-info)/([^/]+)(?:/(.+))?)?")
_FILE = re.compile(r"/datasets/([^/]+/[^/]+)/resolve/([^/]+)/(.+)")
_STORED = re.compile(r"/store/([0-9a-f]{64})")
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


@dataclass
class Reply:
    """What the server sends; of `body` what the request's range asks for, unless it is sent `whole`."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    whole: bool = False


@dataclass
class Request:
    """What a client asked for."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: Message
    body: bytes


@dataclass
class Failure:
    """What happens to the next `times` requests whose method and path fit, instead of the answer.

    The server sends `status` with `headers` and `body`. With `stall` it sends nothing. With `cut` it sends the right
    answer up to this byte of its body, and then ends the connection: in order, or with `reset` as a dying machine does.
    With `drop` it dies when it has read this many bytes of the request's body.
    """

    path: str
    """A glob."""
    method: str = "GET"
    times: int = 1
    status: int = HTTPStatus.SERVICE_UNAVAILABLE
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    stall: bool = False
    cut: int | None = None
    reset: bool = False
    drop: int | None = None


@dataclass
class Repository:
    """A dataset: its commits by hash, and the branches and tags that point at them."""

    commits: dict[str, Files] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    gate: str | None = None
    """The token that may read the files; without, everybody may."""
    private: bool = False


class Hub:
    """The served repositories, what was asked for, and what goes wrong."""

    def __init__(self) -> None:
        self.address = ""
        self.repositories: dict[str, Repository] = {}
        self.requests: list[Request] = []
        self.page = 1000
        """Entries of a page of a list of files."""
        self.closing = threading.Event()
        self.failures: list[Failure] = []
        self.writes: Callable[[Request], Reply | None] | None = None
        """Answers what reading does not ask for."""
        self._lock = threading.Lock()

    def commit(self, repo: str, files: Files, revision: str = "main") -> str:
        """Makes `files` the content of a branch or tag; returns the commit."""
        repository = self.repositories.setdefault(repo, Repository())
        parent = repository.refs.get(revision, "")
        content = [[path, hashlib.sha256(data).hexdigest()] for path, data in sorted(files.items())]
        sha = hashlib.sha1(json.dumps([repo, parent, content]).encode()).hexdigest()
        repository.commits[sha] = dict(files)
        repository.refs[revision] = sha
        return sha

    def fail(self, path: str, **how: Any) -> None:
        """Plants a `Failure`."""
        self.failures.append(Failure(path, **how))

    def asked(self, path: str, method: str = "GET") -> list[Request]:
        """Requests so far whose path fits a glob."""
        return [r for r in self.requests if r.method == method and fnmatchcase(r.path, path)]

    def planted(self, method: str, path: str) -> Failure | None:
        """The failure that is planted for a request; it is used up by this."""
        with self._lock:
            fitting = (f for f in self.failures if f.method == method and fnmatchcase(path, f.path))
            failure = next((f for f in fitting if f.times), None)
            if failure is not None:
                failure.times -= 1
        return failure

    def answer(self, request: Request, failure: Failure | None) -> Reply:
        """The right answer, or what the failure says instead."""
        with self._lock:
            self.requests.append(request)
        if failure is not None and not failure.stall and failure.cut is None:
            return Reply(failure.status, failure.headers, failure.body, whole=True)
        return self._right(request)

    def _right(self, request: Request) -> Reply:
        if self.writes is not None and (written := self.writes(request)) is not None:
            return written
        if stored := _STORED.fullmatch(request.path):
            files = (data for r in self.repositories.values() for c in r.commits.values() for data in c.values())
            data = next((data for data in files if hashlib.sha256(data).hexdigest() == stored[1]), None)
            return Reply(404) if data is None else Reply(body=data, headers={"ETag": f'"{stored[1]}"'})
        if found := _FILE.fullmatch(request.path):
            return self._file(request, *(unquote(part) for part in found.groups()))
        if found := _API.fullmatch(request.path):
            repo, verb, revision, path = (unquote(part or "") for part in found.groups())
            return self._about(request, repo, verb, revision or "main", path)
        return Reply(404)

    def _file(self, request: Request, repo: str, revision: str, path: str) -> Reply:
        repository, commit, refused = self._at(request, repo, revision, gated=True)
        if refused is not None:
            return refused
        headers = {"X-Repo-Commit": commit, "Accept-Ranges": "bytes"}
        data = repository.commits[commit].get(path)
        if data is None:
            return refusal(404, "EntryNotFound", "Entry not found", headers)
        if not is_large(path):
            return Reply(headers={**headers, "ETag": f'"{blob_id(data)}"'}, body=data)
        sha256 = hashlib.sha256(data).hexdigest()
        linked = {"X-Linked-Size": str(len(data)), "X-Linked-Etag": f'"{sha256}"'}
        store = self.address.replace("127.0.0.1", "localhost")
        return Reply(302, {**headers, **linked, "Location": f"{store}/store/{sha256}?Signature=secret"})

    def _about(self, request: Request, repo: str, verb: str, revision: str, path: str) -> Reply:
        repository, commit, refused = self._at(request, repo, revision, gated=False)
        if refused is not None:
            return refused
        files = repository.commits[commit]
        if verb == "tree":
            return self._tree(request, files, path)
        if verb == "paths-info":
            form = parse_qs(request.body.decode())
            return json_reply([_entry(path, files[path]) for path in form.get("paths", []) if path in files])
        siblings = [{"rfilename": path} for path in sorted(files)]
        gated = "manual" if repository.gate else False
        return json_reply(
            {"id": repo, "sha": commit, "private": repository.private, "gated": gated, "siblings": siblings}
        )

    def _tree(self, request: Request, files: Files, folder: str) -> Reply:
        inside = f"{folder}/" if folder else ""
        if inside and not any(path.startswith(inside) for path in files):
            return refusal(404, "EntryNotFound", f"{folder} does not exist")
        recursive = request.query.get("recursive", ["false"])[0].lower() == "true"
        entries = {}
        for path, data in sorted(files.items()):
            if not path.startswith(inside):
                continue
            steps = path.removeprefix(inside).split("/")
            for depth in range(1, len(steps) if recursive else min(len(steps), 2)):
                name = inside + "/".join(steps[:depth])
                entries[name] = {"type": "directory", "oid": blob_id(name.encode()), "size": 0, "path": name}
            if recursive or len(steps) == 1:
                entries[path] = _entry(path, data)
        start = int(request.query.get("cursor", ["0"])[0])
        reply = json_reply(list(entries.values())[start : start + self.page])
        if start + self.page < len(entries):
            query = f"recursive={str(recursive).lower()}&cursor={start + self.page}"
            reply.headers["Link"] = f'<{self.address}{request.path}?{query}>; rel="next"'
        return reply

    def _at(self, request: Request, repo: str, revision: str, gated: bool) -> tuple[Repository, str, Reply | None]:
        repository = self.repositories.get(repo)
        if repository is None:
            status = 404 if "Authorization" in request.headers else 401  # the Hub tells strangers nothing
            return Repository(), "", refusal(status, "RepoNotFound", "Repository not found")
        commit = revision if revision in repository.commits else repository.refs.get(revision)
        if commit is None:
            return repository, "", refusal(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        sent = request.headers.get("Authorization")
        if gated and repository.gate is not None and sent != f"Bearer {repository.gate}":
            message = f"Access to dataset {repo} is restricted."
            return repository, "", refusal(403 if sent else 401, "GatedRepo", message)
        return repository, commit, None


class _Server(ThreadingHTTPServer):
    def __init__(self, hub: Hub) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.hub = hub
        self._connections: list[socket.socket] = []

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.append(request)
        super().process_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), OSError):  # a client that hangs up is its own business
            super().handle_error(request, client_address)

    def close(self) -> None:
        """Ends, also for clients that keep a connection."""
        self.hub.closing.set()
        self.shutdown()
        self.server_close()
        for connection in self._connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # a reply goes out as head and body, and the client would wait 40 ms for the second
    server: _Server

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""

    def _answer(self) -> None:
        address = urlsplit(self.path)
        failure = self.server.hub.planted(self.command, address.path)
        if failure is not None and failure.drop is not None:
            self.rfile.read(failure.drop)
            self._die()
            return
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        request = Request(self.command, address.path, parse_qs(address.query), self.headers, body)
        reply = self.server.hub.answer(request, failure)
        if failure is not None and failure.stall:
            self.server.hub.closing.wait()
            self.close_connection = True
            return
        data = self._in_range(reply)
        self.send_response(reply.status)
        for name, value in {**reply.headers, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        if failure is None or failure.cut is None:
            self.wfile.write(data)
            return
        self.wfile.write(data[: failure.cut])
        self.close_connection = True
        if failure.reset:
            self._die()

    def _die(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def _in_range(self, reply: Reply) -> bytes:
        asked = _RANGE.fullmatch(self.headers.get("Range", ""))
        if asked is None or reply.whole or reply.status != HTTPStatus.OK:
            return reply.body
        start, size = int(asked[1]), len(reply.body)
        end = min(int(asked[2]) + 1 if asked[2] else size, size)
        if start >= size:
            reply.status, reply.headers["Content-Range"] = 416, f"bytes */{size}"
            return b""
        reply.status, reply.headers["Content-Range"] = 206, f"bytes {start}-{end - 1}/{size}"
        return reply.body[start:end]


def _entry(path: str, data: bytes) -> dict[str, Any]:
    entry: dict[str, Any] = {"type": "file", "oid": blob_id(data), "size": len(data), "path": path}
    if is_large(path):
        entry["lfs"] = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 134}
    return entry


def is_large(path: str) -> bool:
    return path.endswith(".parquet")


def blob_id(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def json_reply(content: Any) -> Reply:
    return Reply(headers={"Content-Type": "application/json"}, body=json.dumps(content).encode())


def refusal(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> Reply:
    reply = json_reply({"error": message})
    reply.status = status
    reply.headers |= {"X-Error-Code": code, "X-Error-Message": message, **(headers or {})}
    return reply


@contextmanager
def hub(datasets: Mapping[str, Mapping[str, Files]] | None = None) -> Iterator[Hub]:
    """Serves datasets (repository → revision → path → content) while the context lasts. Sets nothing global."""
    served = Hub()
    for repo, revisions in (datasets or {}).items():
        for revision, files in revisions.items():
            served.commit(repo, files, revision)
    server = _Server(served)
    served.address = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield served
    finally:
        server.close()


def hub_environment(served: Hub, home: Path) -> dict[str, str]:
    """Variables that turn a child process to the served Hub, with caches of its own under `home` and no token."""
    return {
        "HF_ENDPOINT": served.address,
        "HF_HOME": str(home),
        "HF_HUB_CACHE": str(home / "hub"),
        "HF_ASSETS_CACHE": str(home / "assets"),
        "HF_DATASETS_CACHE": str(home / "datasets"),
        "HF_TOKEN_PATH": str(home / "token"),
        "HF_TOKEN": "",
        "HF_HUB_OFFLINE": "0",
        "NO_PROXY": "127.0.0.1,localhost",
    }


def use_hub(monkeypatch: pytest.MonkeyPatch, served: Hub, home: Path) -> None:
    """Turns this process, and children that get its environment, to the served Hub, until the test ends."""
    for name, value in hub_environment(served, home).items():
        monkeypatch.setenv(name, value)
    from huggingface_hub import close_session, constants

    close_session()  # the shared client has read the variables of its time
    values: dict[str, str | bool] = {
        "ENDPOINT": served.address,
        "HUGGINGFACE_CO_URL_TEMPLATE": served.address + "/{repo_id}/resolve/{revision}/{filename}",
        "HF_HUB_CACHE": str(home / "hub"),
        "HF_ASSETS_CACHE": str(home / "assets"),
        "HF_TOKEN_PATH": str(home / "token"),
        "HF_HUB_OFFLINE": False,
    }
    for name, constant in values.items():
        monkeypatch.setattr(constants, name, constant)
