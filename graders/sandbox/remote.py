"""A sandbox elsewhere: any service that speaks SandboxFusion's `POST /run_code`.

The service gets the program and its inputs, never what the program should answer; answers are compared here. Trouble of
the service or on the way to it raises `SandboxBroken`, after some more tries, so that it never makes a program wrong.
"""

import base64
import contextlib
import json
import secrets
from collections.abc import Iterator
from functools import cache
from typing import Any

import httpx
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from hipo_data.graders.inside import wire
from hipo_data.graders.sandbox import runtime
from hipo_data.graders.sandbox.box import Box
from hipo_data.graders.sandbox.interface import Sandbox
from hipo_data.graders.sandbox.run import START_S, Exceeded, Exit, Limits, SandboxBroken
from hipo_data.schemas.grading import GradingConfig
from hipo_data.schemas.without_secrets import shown_text

_TRIES = 4
_LONGEST_WAIT_S = 10.0
_TOO_MANY_REQUESTS = 429


class RemoteBox:
    """Runs programs by a service; the gold's own test code runs in a local sandbox that is started when needed."""

    isolated = False

    def __init__(self, config: GradingConfig) -> None:
        self._url = f"{str(config.sandbox_url).rstrip('/')}/run_code"
        self._client: httpx.Client | None = None
        self._local = Box(config.model_copy(update={"sandbox": "bubblewrap"}))

    @property
    def for_tests(self) -> Sandbox:
        """A local sandbox."""
        return self._local

    def start(self) -> None:
        """Nothing is to be started: whether the service is there shows when a program is to be run."""

    @contextlib.contextmanager
    def run(self, limits: Limits) -> Iterator["RemoteRun"]:
        """A run; the service is asked when its first answer is."""
        self._client = self._client or httpx.Client()
        yield RemoteRun(self._client, self._url, limits)

    def close(self) -> None:
        """Closes connections and the local sandbox."""
        if self._client is not None:
            self._client.close()
            self._client = None
        self._local.close()


class RemoteRun:
    """One run. Every question to the service runs the program anew, with all requests so far."""

    def __init__(self, client: httpx.Client, url: str, limits: Limits) -> None:
        self.cpu_s = 0.0
        self._client, self._url, self._limits = client, url, limits
        self._job: dict[str, Any] = {}
        self._text = b""
        self._requests: list[Any] = []
        self._taken = 0
        self._report: dict[str, Any] | None = None

    def send(self, message: Any, tail: bytes = b"") -> None:
        """Keeps a job, or requests to it, for the next question to the service."""
        if "mode" in message:
            self._job, self._text = message, tail
        else:
            self._requests += message["requests"]
        self._report = None

    def receive(self) -> Any:
        """The next reply. Raises `EOFError`, `wire.WireError`, `Exceeded` or `SandboxBroken`."""
        report = self._performed()
        if self._taken < len(report["replies"]):
            self._taken += 1
            return report["replies"][self._taken - 1]
        _raise_stopped(report)
        if "bad_reply" in report:
            raise wire.WireError("no message")
        raise EOFError

    def exit(self) -> Exit:
        """How the program ended. Raises `Exceeded` or `SandboxBroken`."""
        report = self._performed()
        _raise_stopped(report)
        if "exit" not in report:
            raise SandboxBroken("the service did not say how the program ended")
        ended = report["exit"]
        return Exit(
            ended["code"], report["cpu_s"], ended["peak"], base64.b64decode(ended["output"]), ended["truncated"]
        )

    def last_words(self) -> Any:
        """A message that the program had sent before its end, or None."""
        return self._performed().get("words")

    def spent(self) -> float:
        """CPU seconds, as the script that ran the program counted them."""
        return self.cpu_s

    def kill(self) -> None:
        """Nothing is left to end: the service ends what it ran."""

    def _performed(self) -> dict[str, Any]:
        if self._report is None:
            nonce = secrets.token_hex(16)
            task = {
                "nonce": nonce,
                "cpu_s": self._limits.cpu_s,
                "memory": self._limits.memory,
                "job": self._job,
                "text": base64.b64encode(self._text).decode(),
                "requests": self._requests,
            }
            self._report = _report(_ask(self._client, self._url, task, self._limits), nonce)
            self.cpu_s = float(self._report["cpu_s"])
        return self._report


class _Trouble(Exception):
    """Something that may pass when tried again."""


def _ask(client: httpx.Client, url: str, task: dict[str, Any], limits: Limits) -> dict[str, Any]:
    """The `run_result` of a script. Raises `SandboxBroken`."""
    seconds = limits.wall_s * max(1, len(task["requests"])) + START_S
    body = {
        "code": script(),
        "language": "python",
        "compile_timeout": START_S,
        "run_timeout": seconds,
        "stdin": json.dumps(task),
        "files": {},
        "fetch_files": [],
    }
    tries = Retrying(
        stop=stop_after_attempt(_TRIES),
        wait=wait_random_exponential(multiplier=0.2, max=_LONGEST_WAIT_S),
        retry=retry_if_exception_type((_Trouble, httpx.TransportError)),
        reraise=True,
    )
    try:
        return tries(_post, client, url, body, seconds + START_S)
    except (_Trouble, httpx.HTTPError, ValueError) as error:
        raise SandboxBroken(shown_text(f"{url}: {error or type(error).__name__}")) from error


def _post(client: httpx.Client, url: str, body: dict[str, Any], timeout_s: float) -> dict[str, Any]:
    answer = client.post(url, json=body, timeout=timeout_s)
    if answer.is_server_error or answer.status_code == _TOO_MANY_REQUESTS:
        raise _Trouble(f"HTTP status {answer.status_code}")
    answer.raise_for_status()
    said = answer.json()
    if not isinstance(said, dict) or not isinstance(said.get("run_result"), dict):
        raise _Trouble(f"no run_result, but {str(said)[:200]}")
    return dict(said["run_result"])


def _report(result: dict[str, Any], nonce: str) -> dict[str, Any]:
    """The report in what the script printed. Raises `SandboxBroken` where there is none."""
    lines = str(result.get("stdout") or "").splitlines()
    said = [line.removeprefix(nonce).strip() for line in lines if line.startswith(nonce)]
    if len(said) < len(("started", "report")):
        raise SandboxBroken(f"the service gave no report: {result.get('status')}, {str(result.get('stderr'))[-300:]}")
    try:
        report = wire.parse(said[-1].encode())
        if not isinstance(report["replies"], list) or not isinstance(report["cpu_s"], (int, float)):
            raise TypeError
    except (wire.WireError, KeyError, TypeError) as error:
        raise SandboxBroken("the service gave a report that cannot be read") from error
    return dict(report)


def _raise_stopped(report: dict[str, Any]) -> None:
    if "exceeded" in report:
        raise Exceeded(report["exceeded"], report["cpu_s"])
    if "broken" in report:
        raise SandboxBroken(report["broken"])


@cache
def script() -> str:
    """The script that the service runs: all that is needed of this package, and then `supervise.main`."""
    return runtime.standalone("hipo_data.graders.sandbox.supervise")
