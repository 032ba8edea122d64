"""Landlock: a process gives up files, TCP and signals to others, with all its descendants. It needs no privilege."""

import ctypes
import os
import stat
import struct
from collections.abc import Sequence

_CREATE, _ADD, _RESTRICT = 444, 445, 446
_VERSION, _PATH_BENEATH = 1, 1
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR, _TRUNCATE = 1, 2, 4, 8, 1 << 14
_FILE_RIGHTS = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE
_FILE_SYSTEM = ((1, 13), (2, 14), (3, 15), (5, 16))
"""From which version of the interface how many rights to files are known."""
_DEVICES = 1 << 6 | 1 << 11
_TCP, _TCP_SINCE = 3, 4
_ABSTRACT_SOCKETS_AND_SIGNALS, _SCOPES_SINCE = 3, 6

_libc = ctypes.CDLL(None, use_errno=True)


def version() -> int:
    """The kernel's version of the interface; 0 where it has none."""
    return max(0, int(_libc.syscall(_CREATE, None, ctypes.c_size_t(0), _VERSION)))


def restrict(readable: Sequence[str], writable: Sequence[str]) -> None:
    """Leaves this process only reading (and executing) below `readable`, and all but devices below `writable`.

    Paths that do not exist are passed over. Needs `no_new_privs` to be set. Raises `OSError`.
    """
    known = version()
    rights = (1 << max((count for since, count in _FILE_SYSTEM if known >= since), default=0)) - 1
    fields = [rights]
    fields += [_TCP] if known >= _TCP_SINCE else []
    fields += [_ABSTRACT_SOCKETS_AND_SIGNALS] if known >= _SCOPES_SINCE else []
    described = struct.pack(f"={len(fields)}Q", *fields)
    ruleset = _checked(_libc.syscall(_CREATE, described, ctypes.c_size_t(len(described)), 0), "create a ruleset")
    for paths, allowed in ((readable, _EXECUTE | _READ_FILE | _READ_DIR), (writable, rights & ~_DEVICES)):
        for path in filter(os.path.exists, paths):
            _allow(ruleset, path, allowed & rights)
    _checked(_libc.syscall(_RESTRICT, ruleset, 0), "restrict")
    os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            rights &= _FILE_RIGHTS
        rule = struct.pack("=Qi", rights, descriptor)
        _checked(_libc.syscall(_ADD, ruleset, _PATH_BENEATH, rule, 0), f"allow {path}")
    finally:
        os.close(descriptor)


def _checked(result: int, what: str) -> int:
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"landlock, {what}: {os.strerror(error)}")
    return int(result)
