"""Becomes the sandbox: `python -I -S launch.py ARGUMENTS`, in a process of its own, before it turns into bubblewrap.

As root it first binds the runtime to neutral paths in a mount namespace of its own (root's home is closed to others),
then takes an unused user id, because limits on the number of processes do not hold for root. Standard library only.

Nothing here dies with the parent at once: bubblewrap, killed while it sets up, would leave a half-made child behind.
The server inside ends by itself when the parent's end of its control socket is closed.
"""

import ctypes
import fcntl
import json
import os
import resource
import sys

_BIND, _RECURSIVE, _PRIVATE, _NEW_MOUNTS = 4096, 16384, 1 << 18, 0x00020000
_libc = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    """Reads its plan (JSON) from the first argument; ends by executing the plan's command."""
    plan = json.loads(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, hard = resource.getrlimit(resource.RLIMIT_STACK)
    stack = plan["stack"] if hard == resource.RLIM_INFINITY else min(plan["stack"], hard)
    resource.setrlimit(resource.RLIMIT_STACK, (stack, hard))
    with open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")
    if plan["cgroup"]:
        with open(plan["cgroup"], "w") as file:
            file.write(str(os.getpid()))
    if plan["stage"]:
        _check(_libc.unshare(_NEW_MOUNTS), "unshare")
        _check(_libc.mount(b"none", b"/", None, _RECURSIVE | _PRIVATE, None), "make mounts private")
        _check(_libc.mount(b"tmpfs", plan["stage"].encode(), b"tmpfs", 0, b"size=64k,mode=755"), "mount the stage")
        for source, target in plan["binds"]:
            if os.path.isdir(source):
                os.makedirs(target)
            else:
                os.makedirs(os.path.dirname(target), exist_ok=True)
                open(target, "w").close()
            _check(_libc.mount(source.encode(), target.encode(), None, _BIND, None), f"bind {source}")
    if plan["uid"]:
        os.setgroups([])
        os.setresgid(plan["uid"], plan["uid"], plan["uid"])
        os.setresuid(plan["uid"], plan["uid"], plan["uid"])
    moved = [fcntl.fcntl(descriptor, fcntl.F_DUPFD, 10) for descriptor in plan["descriptors"]]
    for target, descriptor in enumerate(moved, start=3):
        os.dup2(descriptor, target)
    os.closerange(3 + len(moved), 4096)
    if os.getppid() != plan["parent"]:
        sys.exit("the parent has ended")
    os.execve(plan["command"][0], plan["command"], plan["environment"])


def _check(result: int, what: str) -> None:
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")


if __name__ == "__main__":
    main()
