"""Which protections hold on this machine, found out by trying them."""

import os
import tempfile
from dataclasses import dataclass

from hipo_data.graders.sandbox.choose import sandbox
from hipo_data.graders.sandbox.interface import Sandbox
from hipo_data.graders.sandbox.run import Exceeded, Exit, Limits, SandboxBroken
from hipo_data.schemas.errors import SandboxUnavailable
from hipo_data.schemas.grading import GradingConfig

_CPU_S = 1.0
_MEMORY = 256 << 20


@dataclass(frozen=True)
class Protection:
    """One protection: whether it was seen to hold, and what was seen."""

    name: str
    holds: bool
    detail: str


# Each program prints `held`, and a word on why, where the protection stopped it.
_PROBES = {
    "network": """
import socket
try:
    socket.socket(socket.AF_INET, socket.SOCK_STREAM).close()
    print("open: a socket could be made")
except OSError as error:
    print("held:", error)
""",
    "files": """
import os
path = input()
try:
    open(path).read()
    print("open: a file outside could be read")
except OSError as error:
    print("held:", error)
""",
    "read-only runtime": """
import os
left = []
for folder in ("/", "/usr", "/runtime", os.path.dirname(os.__file__)):
    path = os.path.join(folder, "hipo-data-probe")
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL))
        os.unlink(path)
        left.append(folder)
    except OSError:
        pass
print("open: can write to " + left[0] if left else "held: only scratch space can be written")
""",
    "environment": """
import os
input()
name = input()
print("open: the environment is visible" if name in os.environ else "held: the environment is empty of it")
""",
    "processes": """
import os
found = 0
for pid in range(1, 70000):
    try:
        os.kill(pid, 0)
        found += 1
    except ProcessLookupError:
        pass
    except PermissionError:
        found += 1
print("held: only its own are visible" if found <= 2 else f"open: {found} processes are visible")
""",
    "system calls": """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
results = {"ptrace": libc.ptrace(0, 0, 0, 0), "unshare": libc.unshare(0x10000000),
           "mount": libc.mount(b"none", b"/tmp", b"tmpfs", 0, None)}
left = [name for name, result in results.items() if result == 0]
print("open: " + ", ".join(left) if left else "held: ptrace, unshare and mount are refused")
""",
    "memory": """
try:
    block = bytearray(2 << 30)
    print("open: 2 GiB could be taken")
except MemoryError:
    print("held: a large allocation fails")
""",
    "number of processes": """
import os
count = 0
try:
    while count < 100:
        if os.fork() == 0:
            import time
            time.sleep(60)
        count += 1
    print("open: 100 processes could be started")
except OSError:
    print(f"held: no more than {count} processes")
""",
    "memory of many processes": """
import os, time
for _ in range(20):
    if os.fork() == 0:
        block = bytearray(100 << 20)
        for place in range(0, len(block), 4096):
            block[place] = 1
        time.sleep(60)
time.sleep(60)
""",
    "scratch space": """
import os
size = 0
try:
    while size < 256 << 20:
        with open(f"f{size}", "wb") as file:
            size += file.write(bytes(8 << 20))
    print("open: 256 MiB could be written")
except OSError:
    os.unlink("f0")
    print(f"held: no more than {size >> 20} MiB")
""",
}


def probe_sandbox(config: GradingConfig) -> list[Protection]:
    """Tries each protection that `config` asks for. Where no sandbox can be started, one entry says why."""
    box = sandbox(config)
    try:
        box.start()
    except SandboxUnavailable as error:
        return [Protection("sandbox", False, str(error))]
    limits = Limits(_CPU_S, _MEMORY)
    first = _run(box, limits, "print('held')", "")
    if first != "held":
        box.close()
        return [Protection("sandbox", False, first)]
    secret = "HIPO_DATA_PROBE"
    os.environ[secret] = "1"
    try:
        with tempfile.NamedTemporaryFile("w", delete=False) as canary:
            canary.write("canary")
        found = [Protection("sandbox", True, f"{config.sandbox} runs programs")]
        text = f"{canary.name}\n{secret}\n"
        for name, program in _PROBES.items():
            if name == "memory of many processes":
                # Filling memory takes time of its own.
                found.append(_memory(_run(box, Limits(5 * _CPU_S, 2 * _MEMORY), program, text), box))
                continue
            said = _run(box, limits, program, text)
            found.append(Protection(name, said.startswith("held"), said))
        said = _run(box, limits, "while True: pass", "")
        found.append(Protection("processor time", said == "time_limit", said))
        said = _run(box, limits, "while True: print('x' * 1000000)", "")
        found.append(Protection("output", "cut" in said or said == "time_limit", said))
        return found
    finally:
        del os.environ[secret]
        os.unlink(canary.name)
        box.close()


def _memory(said: str, box: Sandbox) -> Protection:
    group = "and by a control group" if getattr(box, "has_memory_group", False) else "no control group is delegated"
    return Protection("memory of many processes", said == "memory_limit", f"{said} by counting; {group}")


def _run(box: Sandbox, limits: Limits, program: str, text: str) -> str:
    try:
        with box.run(limits) as run:
            run.send({"mode": "stdin", "code": program, "isolated": box.isolated}, text.encode())
            ended: Exit = run.exit()
    except Exceeded as stop:
        return stop.reason
    except SandboxBroken as error:
        return f"the sandbox ended: {error}"
    if ended.truncated:
        return f"cut at {len(ended.output) >> 20} MiB"
    return ended.output.decode(errors="replace").strip()[:200] or f"ended with {ended.code}"
