"""A sandbox as its user sees it: start it, run programs in it one after another, close it."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from hipo_data.graders.inside import wire
from hipo_data.graders.sandbox import cgroup, launch, runtime, seccomp
from hipo_data.graders.sandbox.run import START_S, Limits, Run, SandboxBroken, open_run
from hipo_data.graders.sandbox.spawn import spawn
from hipo_data.schemas.errors import SandboxUnavailable
from hipo_data.schemas.grading import GradingConfig

_END_S = 5.0
_GROUP_FACTOR, _GROUP_BASE = 4, 512 << 20
"""Twice the limit of a program for each of two runs at once, and room for the server."""


class Box:
    """A fork server in a sandbox. Not thread-safe; runs may overlap (a driver and its candidate)."""

    def __init__(self, config: GradingConfig) -> None:
        self.config = config
        self.isolated = config.sandbox == "bubblewrap"
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._group: Path | None = None
        self._shared = 0

    def start(self) -> None:
        """Starts the server unless it runs. Raises `SandboxUnavailable` where it cannot be started."""
        if self._process is not None:
            return
        try:
            plan = runtime.plan(self.isolated)
            filter_ = b"" if self.config.sandbox == "none" else seccomp.program()
        except (FileNotFoundError, seccomp.FilterUnavailable) as error:
            raise SandboxUnavailable(unavailable(str(error))) from error
        self._group = cgroup.make(_GROUP_FACTOR * (self.config.memory_mb << 20) + _GROUP_BASE)
        if self._group is not None:
            plan["cgroup"] = str(self._group / "cgroup.procs")
        setup = {"isolated": self.isolated, "readable": runtime.readable() if self.config.sandbox == "landlock" else []}
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
                wire.send(control, setup, filter_)
                ready, _ = wire.receive(control)
                self._shared = int(ready["resident_kb"]) << 10
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
        with contextlib.ExitStack() as stack:
            try:
                run = stack.enter_context(open_run(self._control, limits, self._shared))
            except SandboxBroken:
                self.close()
                raise
            yield run

    @property
    def has_memory_group(self) -> bool:
        """Whether all processes of the sandbox together are held to a limit by the kernel."""
        return self._group is not None

    @property
    def for_tests(self) -> "Box":
        """This sandbox: it can hold the tests and the program at once, without one seeing the other."""
        return self

    def close(self) -> None:
        """Ends the server and everything in it."""
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_END_S)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None
        if self._group is not None:
            cgroup.remove(self._group)
            self._group = None


def unavailable(detail: str) -> str:
    """What is missing, and the ways out."""
    return (
        f"programs cannot be isolated from this machine's files, network and processes ({detail}): install bubblewrap "
        "and allow unprivileged user namespaces, accept the weaker `sandbox: landlock`, name a service with "
        "`sandbox: remote`, or accept running programs without isolation with `sandbox: none`"
    )
