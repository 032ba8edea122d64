"""A sandbox as its user sees it: start it, run programs in it one after another, close it."""

import contextlib
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from graders.inside import wire
from graders.sandbox import launch, runtime, seccomp
from graders.sandbox.spawn import spawn
from graders.sandbox.usage import tree, usage
from schemas.grading import GradingConfig

START_S = 60.0
SCRATCH_BYTES = 64 << 20
OUTPUT_BYTES = 16 << 20
MAX_REPLY = 8 << 20
_FIRST_LOOK_S = 0.1
_LOOK_S = 0.05


class SandboxUnavailable(RuntimeError):
    """The isolation that was asked for cannot be had on this machine."""


class SandboxBroken(RuntimeError):
    """The sandbox itself failed, not the program in it."""


@dataclass(frozen=True)
class Limits:
    """What one run may use."""

    cpu_s: float
    memory: int

    @property
    def idle_s(self) -> float:
        """Seconds that a run may take, not counting those in which it waited for a processor."""
        return self.cpu_s + 1.0

    @property
    def wall_s(self) -> float:
        """Seconds after which a run that got too little of the processor is given up."""
        return 10 * self.cpu_s + 30.0


@dataclass(frozen=True)
class Exit:
    """How a run ended: exit code (negative: a signal), CPU seconds, peak memory, what it wrote to standard output."""

    code: int
    cpu_s: float
    peak_bytes: int
    output: bytes
    truncated: bool


class Exceeded(Exception):
    """A run was stopped; `reason` is `time_limit`, `memory_limit` or `starved`."""

    def __init__(self, reason: str, cpu_s: float) -> None:
        super().__init__(reason)
        self.reason = reason
        self.cpu_s = cpu_s


class Box:
    """A fork server in a sandbox. Not thread-safe; runs may overlap (a driver and its candidate)."""

    def __init__(self, config: GradingConfig) -> None:
        self.config = config
        self.isolated = config.sandbox == "bubblewrap"
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def start(self) -> None:
        """Starts the server unless it runs. Raises `SandboxUnavailable` where it cannot be started."""
        if self._process is not None:
            return
        try:
            plan = runtime.plan(self.isolated)
            filter_ = seccomp.program() if self.isolated else b""
        except (FileNotFoundError, seccomp.FilterUnavailable) as error:
            raise SandboxUnavailable(unavailable(str(error))) from error
        control, inner = socket.socketpair()
        with inner, tempfile.TemporaryFile() as errors, tempfile.TemporaryFile() as sources:
            sources.write(json.dumps(runtime.sources()).encode())
            sources.seek(0)
            plan["descriptors"] = [inner.fileno(), sources.fileno()]
            command = [sys.executable, "-I", "-S", launch.__file__, json.dumps(plan)]
            self._process = spawn(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                pass_fds=(inner.fileno(), sources.fileno()),
                env={},
                cwd="/",
                start_new_session=True,
            )
            inner.close()
            self._control = control
            control.settimeout(START_S)
            try:
                wire.send(control, {"isolated": self.isolated}, filter_)
                wire.receive(control)
            except (EOFError, OSError, wire.WireError) as error:
                self.close()
                errors.seek(0)
                said = errors.read()[-600:].decode(errors="replace").strip()
                raise SandboxUnavailable(unavailable(said or repr(error))) from error
            control.settimeout(None)

    @contextlib.contextmanager
    def run(self, limits: Limits) -> Iterator["Run"]:
        """A fresh run, ended with everything in it when the context closes. Raises `SandboxBroken`."""
        self.start()
        assert self._control is not None
        link, inner_link = socket.socketpair()
        data, inner_data = socket.socketpair()
        with link, data:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
            with inner_link, inner_data:
                try:
                    socket.send_fds(self._control, [b"r"], [inner_link.fileno(), inner_data.fileno()])
                except OSError as error:
                    self.close()
                    raise SandboxBroken(f"the sandbox has ended: {error}") from error
            try:
                run = Run(link, data, limits, self.isolated)
            except (EOFError, OSError, wire.WireError) as error:
                self.close()
                raise SandboxBroken(f"no run could be started: {error!r}") from error
            try:
                yield run
            finally:
                run.kill()

    def close(self) -> None:
        """Ends the server and everything in it."""
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None


class Run:
    """One run: send it its job, then read replies or its exit, within its limits.

    Nothing here blocks on the program: it may stop reading, or stop in the middle of a reply.
    """

    def __init__(self, link: socket.socket, data: socket.socket, limits: Limits, isolated: bool) -> None:
        self.data, self.limits, self.isolated = data, limits, isolated
        self.cpu_s = 0.0
        link.settimeout(START_S)
        self.pid = _hello(link)
        self._pidfd = os.pidfd_open(self.pid)
        self._link, self._ended = link, False
        self._outgoing = bytearray()
        self._incoming = {link: bytearray(), data: bytearray()}
        self._since = time.monotonic()
        self._base: tuple[float, float] | None = None
        described = {
            "memory": limits.memory,
            "cpu_s": int(limits.cpu_s * 20) + 2,
            "file_size": OUTPUT_BYTES,
            "open_files": 128,
            "processes": 48,
            "scratch": SCRATCH_BYTES,
            "files": 4096,
        }
        wire.send(link, described)
        link.setblocking(False)
        data.setblocking(False)

    def send(self, message: Any, tail: bytes = b"") -> None:
        """Sends a frame to the program, and starts the clock of what it does next."""
        self._outgoing += wire.frame(message, tail)
        self._write()
        self._restart_clock()

    def receive(self) -> Any:
        """The program's next message. Raises `EOFError`, `wire.WireError`, or `Exceeded`."""
        message, _ = self._frame(self.data, MAX_REPLY)
        self._restart_clock()
        return message

    def last_words(self) -> Any:
        """A message that an ended program had sent, or None."""
        try:
            return self._frame(self.data, MAX_REPLY)[0]
        except (EOFError, Exceeded, wire.WireError):
            return None

    def exit(self) -> Exit:
        """Waits for the program to end. Raises `Exceeded`, or `SandboxBroken` where its init ends without a report."""
        try:
            report, output = self._frame(self._link, wire.MAX_FRAME)
        except (EOFError, wire.WireError) as error:
            raise SandboxBroken(f"a run ended without a report: {error!r}") from error
        self._ended, self.cpu_s = True, report["cpu_s"]
        return Exit(report["status"], report["cpu_s"], report["peak_kb"] << 10, output, report["size"] >= OUTPUT_BYTES)

    def spent(self) -> float:
        """CPU seconds that the run has used so far."""
        if not self._ended:
            self.cpu_s = usage(self.pid).cpu_s
        return self.cpu_s

    def kill(self) -> None:
        """Ends everything in the run, and waits until nothing of it is left."""
        if self._pidfd < 0:
            return
        if not self.isolated and not self._ended:
            for pid in reversed(tree(self.pid)[1:]):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        if not self._ended:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
            select.select([self._pidfd], [], [], START_S)
        os.close(self._pidfd)
        self._pidfd = -1

    def _frame(self, channel: socket.socket, most: int) -> tuple[Any, bytes]:
        buffer = self._incoming[channel]
        while True:
            if (size := wire.frame_size(buffer)) > most:
                raise wire.WireError(f"a frame of {size} bytes")
            if 0 < size <= len(buffer):
                message, tail = wire.unframe(bytes(buffer[:size]))
                del buffer[:size]
                return message, tail
            self._await(channel)
            try:
                part = channel.recv(1 << 20)
            except BlockingIOError:
                continue
            except ConnectionResetError:
                part = b""
            if not part:
                raise EOFError
            buffer += part

    def _await(self, channel: socket.socket) -> None:
        """Returns when `channel` can be read; meanwhile sends what is still to be sent, and watches the limits."""
        pause = _FIRST_LOOK_S
        while True:
            writing = [self.data] if self._outgoing else []
            readable, writable, _ = select.select([channel], writing, [], pause)
            if writable:
                self._write()
            if readable:
                return
            if not writable or time.monotonic() - self._looked > _LOOK_S:
                self._check()
                pause = _LOOK_S

    def _write(self) -> None:
        while self._outgoing:
            try:
                sent = self.data.send(self._outgoing[: 1 << 20])
            except BlockingIOError:
                return
            except (BrokenPipeError, ConnectionResetError):
                self._outgoing.clear()
                return
            del self._outgoing[:sent]

    def _restart_clock(self) -> None:
        self._since = self._looked = time.monotonic()
        self._base = None

    def _check(self) -> None:
        self._looked = time.monotonic()
        used = usage(self.pid)
        self.cpu_s = used.cpu_s
        if self._base is None:
            self._base = used.cpu_s, used.waited_s
            return
        wall = self._looked - self._since
        cpu, waited = used.cpu_s - self._base[0], used.waited_s - self._base[1]
        if used.resident > 2 * self.limits.memory:
            raise Exceeded("memory_limit", used.cpu_s)
        if cpu >= self.limits.cpu_s or wall - waited >= self.limits.idle_s:
            raise Exceeded("time_limit", used.cpu_s)
        if wall >= self.limits.wall_s:
            raise Exceeded("starved", used.cpu_s)


def unavailable(detail: str) -> str:
    """What is missing, and the two ways out."""
    return (
        f"programs cannot be isolated from this machine's files, network and processes ({detail}): install bubblewrap "
        "and allow unprivileged user namespaces, or accept running programs without isolation with "
        "`verify.sandbox: none`"
    )


def _hello(link: socket.socket) -> int:
    """The id of the run's init on this side; the kernel translates it from the sandbox's namespace."""
    head, ancillary, _, _ = link.recvmsg(8, socket.CMSG_SPACE(struct.calcsize("3i")))
    if len(head) < 8:
        raise EOFError("the sandbox closed the link")
    wire.receive_exactly(link, int.from_bytes(head[:4], "big"))
    for level, kind, payload in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS):
            return int(struct.unpack("3i", payload[:12])[0])
    raise OSError("the kernel named no sender")


