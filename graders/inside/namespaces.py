"""The kernel's side of a run: new namespaces, mounts, limits, no capabilities, and the system-call filter."""

import ctypes
import platform
import resource
import signal
from collections.abc import Mapping
from typing import Any

_NEW_MOUNTS, _NEW_PIDS = 0x00020000, 0x20000000
_CLONE_NUMBER = {"x86_64": 56, "aarch64": 220}
_CAPSET_NUMBER = {"x86_64": 126, "aarch64": 91}
_NOSUID_NODEV = 0x2 | 0x4
_PDEATHSIG, _SECCOMP, _SUBREAPER, _NO_NEW_PRIVS, _AMBIENT = 1, 22, 36, 38, 47
_SECCOMP_FILTER = 2
_AMBIENT_CLEAR = 4
_CAPABILITY_VERSION = 0x20080522

_libc = ctypes.CDLL(None, use_errno=True)


def fork_isolated() -> int:
    """Like `os.fork`, with the child as process 1 of a new process namespace, in a mount namespace of its own."""
    number = _CLONE_NUMBER[platform.machine()]
    pid = int(_libc.syscall(number, _NEW_MOUNTS | _NEW_PIDS | signal.SIGCHLD, 0, 0, 0, 0))
    if pid < 0:
        raise OSError(ctypes.get_errno(), "clone with new namespaces")
    return pid


def mount_scratch(path: str, size: int, files: int) -> None:
    """An empty file system of at most `size` bytes and `files` files over `path`."""
    options = f"size={size},nr_inodes={files},mode=1777".encode()
    if _libc.mount(b"tmpfs", path.encode(), b"tmpfs", _NOSUID_NODEV, options) < 0:
        raise OSError(ctypes.get_errno(), f"mount over {path}")


def adopt_orphans() -> None:
    """Makes this process the parent of every descendant whose own parent ends."""
    _prctl(_SUBREAPER, 1)


def die_with_parent() -> None:
    """Has the kernel kill this process when the thread that started it ends."""
    _prctl(_PDEATHSIG, signal.SIGKILL)


def drop_privileges() -> None:
    """Gives up every capability, and the chance of regaining one."""
    _prctl(_NO_NEW_PRIVS, 1)
    _prctl(_AMBIENT, _AMBIENT_CLEAR)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    empty = (ctypes.c_uint32 * 6)()
    if _libc.syscall(_CAPSET_NUMBER[platform.machine()], ctypes.byref(header), ctypes.byref(empty)) < 0:
        raise OSError(ctypes.get_errno(), "capset")


def filter_calls(program: bytes) -> None:
    """Loads a seccomp program (an array of `struct sock_filter`); it holds for all descendants."""

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))

    buffer = ctypes.create_string_buffer(program, len(program))
    described = Program(len(program) // 8, ctypes.cast(buffer, ctypes.c_void_p))
    _prctl(_SECCOMP, _SECCOMP_FILTER, ctypes.byref(described))


def limit(limits: Mapping[str, int]) -> None:
    """Sets resource limits: memory, CPU seconds, file size, open files, processes; no core files."""
    for name, value in (
        (resource.RLIMIT_AS, limits["memory"]),
        (resource.RLIMIT_CPU, limits["cpu_s"]),
        (resource.RLIMIT_FSIZE, limits["file_size"]),
        (resource.RLIMIT_NOFILE, limits["open_files"]),
        (resource.RLIMIT_NPROC, limits["processes"]),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(name)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(name, (value, value))


def _prctl(option: int, *values: Any) -> None:
    if _libc.prctl(option, *values, *(0,) * (4 - len(values))) < 0:
        raise OSError(ctypes.get_errno(), f"prctl {option}")
