"""The fork server: process 1 of a sandbox. For every run it forks an init, and that forks the program.

The server never reads what a run is given: a run's data goes through descriptors of its own, straight to its init and
its program, so nothing of one run stays in the memory that the next is forked from.
"""

import gc
import os
import resource
import signal
import socket
import sys
import tempfile
from typing import Any, NoReturn

from graders.inside import driver, harness, namespaces, prelude, wire

SCRATCH = "/tmp"
SHARED_MEMORY = "/dev/shm"


def main() -> None:
    """Serves runs until the control socket (descriptor 3) is closed at its other end."""
    control = socket.socket(fileno=3)
    control.set_inheritable(False)
    setup, program = wire.receive(control)
    known = prelude.preload()
    sys.setrecursionlimit(50_000)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    gc.collect()
    gc.freeze()
    wire.send(control, {"ready": True})
    fork = namespaces.fork_isolated if setup["isolated"] else os.fork
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, 1, 2)
        if not message:
            return
        if fork() == 0:
            control.close()
            _init(setup, program, known, *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def _init(setup: dict[str, Any], program: bytes, known: dict[str, Any], link_fd: int, data_fd: int) -> NoReturn:
    """Prepares one run, waits for its program, ends whatever it left behind, and reports over the link."""
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        link, data = socket.socket(fileno=link_fd), socket.socket(fileno=data_fd)
        wire.send(link, {"hello": os.getpid()})
        limits, _ = wire.receive(link)
        namespaces.hide_memory()
        work = _scratch(setup, limits)
        output = tempfile.TemporaryFile(dir=SCRATCH, buffering=0)
        if setup["isolated"]:
            namespaces.drop_privileges()
        pid = os.fork()
        if pid == 0:
            link.close()
            _program(setup, program, known, data, output.fileno(), limits)
        data.close()
        status = _wait(pid)
        _end_all(setup["isolated"])
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        size = os.fstat(output.fileno()).st_size
        report = {"status": status, "cpu_s": usage.ru_utime + usage.ru_stime, "peak_kb": usage.ru_maxrss, "size": size}
        os.lseek(output.fileno(), 0, os.SEEK_SET)
        wire.send(link, report, _read(output.fileno(), min(size, limits["file_size"])))
        if not setup["isolated"]:
            work.cleanup()  # type: ignore[union-attr]
    finally:
        os._exit(0)


def _program(
    setup: dict[str, Any], filter_: bytes, known: dict[str, Any], data: socket.socket, output: int, limits: Any
) -> NoReturn:
    try:
        quiet = os.open(os.devnull, os.O_RDWR)
        for target, source in ((0, quiet), (1, output), (2, quiet)):
            os.dup2(source, target)
        keep = os.dup2(data.fileno(), 3) if data.fileno() != 3 else 3
        if data.fileno() != 3:
            data.detach()
        os.closerange(4, 1024)
        data = data if data.fileno() == 3 else socket.socket(fileno=keep)
        os.set_inheritable(3, False)
        namespaces.limit(limits)
        if setup["isolated"]:
            namespaces.filter_calls(filter_)
        job, text = wire.receive(data)
        modes = {"stdin": harness.run_program, "serve": harness.serve, "drive": driver.drive}
        modes[job["mode"]](data, job, text, known)
    finally:
        os._exit(97)


def _scratch(setup: dict[str, Any], limits: dict[str, int]) -> "tempfile.TemporaryDirectory[str] | None":
    if setup["isolated"]:
        namespaces.mount_scratch(SCRATCH, limits["scratch"], limits["files"])
        namespaces.mount_scratch(SHARED_MEMORY, limits["scratch"] // 4, 64)
        work = None
        os.mkdir(f"{SCRATCH}/work")
        os.chdir(f"{SCRATCH}/work")
    else:
        namespaces.adopt_orphans()
        namespaces.die_with_parent()
        work = tempfile.TemporaryDirectory(prefix="program-")
        os.chdir(work.name)
    return work


def _wait(pid: int) -> int:
    while True:
        ended, status = os.wait()
        if ended == pid:
            return os.waitstatus_to_exitcode(status)


def _end_all(isolated: bool) -> None:
    """Kills and reaps every process that is left; without a process namespace, every child and adopted orphan."""
    while True:
        if isolated:
            try:
                os.kill(-1, signal.SIGKILL)
            except ProcessLookupError:
                pass
        else:
            with open(f"/proc/self/task/{os.getpid()}/children") as file:
                for child in file.read().split():
                    os.kill(int(child), signal.SIGKILL)
        try:
            os.wait()
        except ChildProcessError:
            return


def _read(descriptor: int, size: int) -> bytes:
    parts = []
    while size > 0 and (part := os.read(descriptor, size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
