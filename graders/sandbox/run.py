"""One run in a sandbox, seen from outside: its limits, what it says, and how it ends."""

import contextlib
import json
import os
import select
import socket
import struct
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hipo_data.graders.inside import wire
from hipo_data.graders.sandbox.usage import usage

START_S = 60.0
SCRATCH_BYTES = 64 << 20
OUTPUT_BYTES = 16 << 20
MAX_REPLY = 8 << 20
_FIRST_LOOK_S = 0.1
_LOOK_S = 0.05


class SandboxBroken(RuntimeError):
    """The sandbox itself failed, not the program in it."""


@dataclass(frozen=True)
class Limits:
    """What one run may use."""

    cpu_s: float
    memory: int

    def order(self) -> dict[str, int]:
        """The limits as the sandbox is told them; those of time are only a second line behind the ones kept here."""
        return {
            "memory": self.memory,
            "cpu_s": int(self.cpu_s * 20) + 2,
            "file_size": OUTPUT_BYTES,
            "open_files": 128,
            "processes": 48,
            "scratch": SCRATCH_BYTES,
            "files": 4096,
        }

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


class Run:
    """One run: send it its job, then read replies or its exit, within its limits.

    Nothing here blocks on the program: it may stop reading, or stop in the middle of a reply.
    """

    def __init__(self, link: socket.socket, data: socket.socket, output: int, limits: Limits, shared: int) -> None:
        self.limits, self._shared = limits, shared
        self.cpu_s = 0.0
        self._link, self._data, self._output, self._ended = link, data, output, False
        self._pid = 0
        self._outgoing = bytearray()
        self._incoming = {link: bytearray(), data: bytearray()}
        self._since = self._looked = time.monotonic()
        self._base: tuple[float, float] | None = None
        data.setblocking(False)

    def send(self, message: Any, tail: bytes = b"") -> None:
        """Sends a frame to the program, and starts the clock of what it does next."""
        self._outgoing += wire.frame(message, tail)
        self._write()
        self._restart_clock()

    def receive(self) -> Any:
        """The program's next message. Raises `EOFError`, `wire.WireError`, or `Exceeded`."""
        message, _ = self._frame(self._data, MAX_REPLY)
        self._restart_clock()
        return message

    def last_words(self) -> Any:
        """A message that an ended program had sent, or None."""
        try:
            return self._frame(self._data, MAX_REPLY)[0]
        except (EOFError, Exceeded, wire.WireError):
            return None

    def exit(self) -> Exit:
        """Waits for the program to end. Raises `Exceeded`, or `SandboxBroken` where the sandbox ends."""
        self._identify()
        try:
            report, _ = self._frame(self._link, MAX_REPLY)
        except (EOFError, wire.WireError) as error:
            raise SandboxBroken(f"a run ended without a report: {error!r}") from error
        self._ended, self.cpu_s = True, report["cpu_s"]
        size = os.fstat(self._output).st_size
        output = os.pread(self._output, min(size, OUTPUT_BYTES), 0)
        return Exit(report["status"], report["cpu_s"], report["peak_kb"] << 10, output, size >= OUTPUT_BYTES)

    def spent(self) -> float:
        """CPU seconds that the run has used so far."""
        if not self._ended:
            self._identify()
            self.cpu_s = usage(self._pid).cpu_s
        return self.cpu_s

    def kill(self) -> None:
        """Ends everything in the run, and waits until nothing of it is left."""
        if self._ended:
            return
        # The server ends a run whose link is closed: it alone knows that the process id has not passed to another.
        self._link.setblocking(True)
        self._link.settimeout(START_S)
        with contextlib.suppress(OSError):
            self._link.shutdown(socket.SHUT_WR)
            while self._link.recv(1 << 16):
                pass
        self._ended = True

    def _identify(self) -> None:
        """Learns the program's process id on this side from its first message. Raises `SandboxBroken`."""
        if self._pid:
            return
        self._link.settimeout(START_S)
        try:
            self._pid = _sender(self._link)
        except (EOFError, OSError) as error:
            raise SandboxBroken(f"no run could be started: {error!r}") from error
        self._link.setblocking(False)

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
            writing = [self._data] if self._outgoing else []
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
                sent = self._data.send(self._outgoing[: 1 << 20])
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
        self._identify()
        used = usage(self._pid, self._shared)
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


@contextlib.contextmanager
def open_run(control: socket.socket, limits: Limits, shared: int) -> Iterator[Run]:
    """A fresh run by the server at the other end of `control`, ended with everything in it when the context closes.

    `shared`: bytes of memory that the server shares with all its runs. Raises `SandboxBroken`.
    """
    link, inner_link = socket.socketpair()
    data, inner_data = socket.socketpair()
    link.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    output = _unnamed_file()
    try:
        with inner_link, inner_data:
            try:
                given = [inner_link.fileno(), inner_data.fileno(), output]
                socket.send_fds(control, [json.dumps(limits.order()).encode()], given)
            except OSError as error:
                raise SandboxBroken(f"the sandbox has ended: {error}") from error
        run = Run(link, data, output, limits, shared)
        try:
            yield run
        finally:
            run.kill()
    finally:
        link.close()
        data.close()
        os.close(output)


def _unnamed_file() -> int:
    try:
        return os.memfd_create("output")
    except OSError:
        with tempfile.TemporaryFile() as file:
            return os.dup(file.fileno())


def _sender(link: socket.socket) -> int:
    """Reads a message, and gives the id of the process that sent it, translated by the kernel to this side."""
    head, ancillary, _, _ = link.recvmsg(8, socket.CMSG_SPACE(struct.calcsize("3i")))
    if len(head) < 8:
        raise EOFError("the sandbox closed the link")
    wire.receive_exactly(link, wire.frame_size(head) - 8)
    for level, kind, payload in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS):
            return int(struct.unpack("3i", payload[:12])[0])
    raise OSError("the kernel named no sender")
