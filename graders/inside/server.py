"""The fork server: process 1 of a sandbox. For every run it forks a program into namespaces of its own.

The server never reads what a run is given: that goes through a descriptor of the run's own, straight to its program,
so nothing of one run stays in the memory that the next is forked from.
"""

import contextlib
import gc
import json
import os
import resource
import select
import shutil
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Mapping
from typing import Any, NoReturn

from hipo_data.graders.inside import checking, driver, harness, landlock, namespaces, prelude, wire

SCRATCH = "/tmp"
SHARED_MEMORY = "/dev/shm"
THREAD_STACK = 8 << 20
MAX_ORDER = 4096
"""Bytes of the message that asks for a run."""


def main() -> None:
    """Serves runs until the control socket (descriptor 3) is closed at its other end.

    A run is asked for with its limits (JSON) and three descriptors: the link, on which the program says hello, so that
    the kernel tells the asker its process id, on which its end is reported, and whose closing ends it; the data; the
    standard output.
    """
    namespaces.die_with_parent()
    control = socket.socket(fileno=3)
    control.set_inheritable(False)
    setup, filter_ = wire.receive(control)
    if setup.get("readable") and not landlock.version():
        raise OSError("the kernel has no landlock")
    if not setup["isolated"]:
        # Runs that are killed leave their folders; all of them go with the server.
        tempfile.tempdir = tempfile.mkdtemp(prefix="programs-")
    known = prelude.preload()
    sys.setrecursionlimit(50_000)
    # Threads would otherwise get a stack as large as the main one, and a few of them fill the address space.
    threading.stack_size(THREAD_STACK)
    woken, wake = socket.socketpair()
    for end in (woken, wake):
        end.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
    gc.collect()
    gc.freeze()
    wire.send(control, {"resident_kb": _resident_kb()})
    fork = namespaces.fork_isolated if setup["isolated"] else os.fork
    running: dict[int, socket.socket] = {}
    stopping: set[int] = set()
    while True:
        watched = [link for pid, link in running.items() if pid not in stopping]
        ready = select.select([control, woken, *watched], [], [])[0]
        for pid in [pid for pid, link in running.items() if link in ready]:
            _stop(pid, setup["isolated"])
            stopping.add(pid)
        if woken in ready:
            with contextlib.suppress(BlockingIOError):
                woken.recv(MAX_ORDER)
            stopping.difference_update(_report_ended(running))
        if control in ready:
            message, descriptors, _, _ = socket.recv_fds(control, MAX_ORDER, 3)
            if not message:
                if not setup["isolated"]:
                    shutil.rmtree(tempfile.gettempdir(), ignore_errors=True)
                return
            link = socket.socket(fileno=descriptors[0])
            pid = fork()
            if pid == 0:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                _start(setup, filter_, known, json.loads(message), link, *descriptors[1:])
            running[pid] = link
            for descriptor in descriptors[1:]:
                os.close(descriptor)


def _resident_kb() -> int:
    """Memory that this process has now; without /proc, the most that it ever had."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * resource.getpagesize() >> 10
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _stop(pid: int, isolated: bool) -> None:
    """Kills a program; with it go all processes of its namespace, or, without one, its descendants one by one."""
    found = [pid]
    for member in found if not isolated else ():
        with contextlib.suppress(FileNotFoundError), open(f"/proc/{member}/task/{member}/children") as file:
            found += [int(child) for child in file.read().split()]
    for member in reversed(found):
        with contextlib.suppress(ProcessLookupError):
            os.kill(member, signal.SIGKILL)


def _report_ended(running: dict[int, socket.socket]) -> set[int]:
    """Tells over the link of every program that has ended how it did; gives their process ids."""
    ended: set[int] = set()
    while True:
        try:
            pid, status, usage = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            return ended
        if pid == 0:
            return ended
        ended.add(pid)
        link = running.pop(pid)
        spent = usage.ru_utime + usage.ru_stime
        report = {"status": os.waitstatus_to_exitcode(status), "cpu_s": spent, "peak_kb": usage.ru_maxrss}
        with link, contextlib.suppress(BrokenPipeError, ConnectionResetError):
            wire.send(link, report)


def _start(
    setup: Mapping[str, Any],
    filter_: bytes,
    known: dict[str, Any],
    limits: Mapping[str, int],
    link: socket.socket,
    data: int,
    output: int,
) -> NoReturn:
    """Becomes the program: takes its place in the sandbox, gives up every right, and does its job."""
    try:
        # A signal to one's own process group reaches across process namespaces.
        os.setsid()
        wire.send(link, {"hello": True})
        work = ""
        if setup["isolated"]:
            namespaces.mount_scratch(SCRATCH, limits["scratch"], limits["files"])
            namespaces.mount_scratch(SHARED_MEMORY, limits["scratch"] // 4, 64)
            os.mkdir(f"{SCRATCH}/work")
            os.chdir(f"{SCRATCH}/work")
            namespaces.drop_privileges()
        else:
            work = _guard()
        # The link must not stay with the program: a report of its end could be forged on it.
        _only_descriptors(data, output)
        namespaces.limit(limits)
        if setup.get("readable"):
            tempfile.tempdir = os.environ["TMPDIR"] = work
            namespaces.drop_privileges()
            landlock.restrict(setup["readable"], [work])
        if filter_:
            namespaces.filter_calls(filter_)
        channel = socket.socket(fileno=3)
        job, text = wire.receive(channel)
        modes = {"stdin": harness.run_program, "serve": harness.serve, "drive": driver.drive, "check": checking.check}
        modes[job["mode"]](channel, job, text, known)
    finally:
        os._exit(97)


def _only_descriptors(data: int, output: int) -> None:
    """Closes all descriptors but standard input and error (empty), output (1) and data (3)."""
    quiet = os.open(os.devnull, os.O_RDWR)
    first = max(data, output, quiet, 9) + 1
    moved = [os.dup2(source, first + place) for place, source in enumerate((quiet, output, quiet, data))]
    for target, source in enumerate(moved):
        os.dup2(source, target, inheritable=target < 3)
    os.closerange(4, first + 64)


def _guard() -> str:
    """Without namespaces: forks, and returns in the child, with the folder that it works in; the parent waits for it,
    ends what it leaves behind, and then ends the same way.
    """
    namespaces.adopt_orphans()
    namespaces.die_with_parent()
    work = tempfile.mkdtemp(prefix="program-")
    pid = os.fork()
    if pid == 0:
        namespaces.die_with_parent()
        os.chdir(work)
        return work
    status = _wait(pid)
    _end_children()
    shutil.rmtree(work, ignore_errors=True)
    if status < 0:
        os.kill(os.getpid(), -status)
    os._exit(status & 0xFF)


def _wait(pid: int) -> int:
    while True:
        ended, status = os.wait()
        if ended == pid:
            return os.waitstatus_to_exitcode(status)


def _end_children() -> None:
    while True:
        with open(f"/proc/self/task/{os.getpid()}/children") as file:
            for child in file.read().split():
                os.kill(int(child), signal.SIGKILL)
        try:
            os.wait()
        except ChildProcessError:
            return
