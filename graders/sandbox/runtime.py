"""What a sandbox sees of this machine, and the command that starts it."""

import os
import pwd
import random
import shutil
import sys
import sysconfig
from functools import cache
from importlib import util
from pathlib import Path

from graders.inside import harness, server

PYTHON = "/runtime/python"
PACKAGES = "/runtime/packages"
SHARED_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache", "/etc/ld.so.conf")
OFFERED_PACKAGES = ("numpy", "numpy.libs", "sortedcontainers")
STACK_BYTES = 256 << 20
_UNUSED_UIDS = range(61184, 65520)
_STAGES = ("/mnt", "/media", "/srv", "/opt")
_BOOT = """
import sys, os, json, types
sys.path[:] = {path!r}
sources = json.loads(os.fdopen(4, "rb").read())
for name, text in sources.items():
    module = types.ModuleType(name)
    module.__path__ = []
    sys.modules[name] = module
    if "." in name:
        parent, _, child = name.rpartition(".")
        setattr(sys.modules[parent], child, module)
    exec(compile(text, "<" + name + ">", "exec", dont_inherit=True), vars(module))
sys.modules["graders.inside.server"].main()
"""


@cache
def sources() -> dict[str, str]:
    """The modules that run inside, by name, in the order of their imports."""
    folder = Path(server.__file__).parent
    found = {"graders": "", "graders.inside": ""}
    for name in ("wire", "equality", "prelude", "namespaces", "harness", "driver", "server"):
        found[f"graders.inside.{name}"] = (folder / f"{name}.py").read_text()
    return found


def environment() -> dict[str, str]:
    """The whole environment inside: nothing of this process's own."""
    one_thread = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
    fixed = {"PATH": "/usr/bin", "HOME": "/tmp", "LANG": "C.UTF-8", "PYTHONHASHSEED": "0", "PYTHONUTF8": "1"}
    return fixed | dict.fromkeys(one_thread, "1")


def bubblewrap() -> str | None:
    """The path of bubblewrap, if it is installed."""
    return shutil.which("bwrap")


def plan(isolated: bool) -> dict[str, object]:
    """What `launch.py` is to do. Raises `FileNotFoundError` where bubblewrap is needed and missing."""
    base = {"stack": STACK_BYTES, "parent": os.getpid(), "uid": 0, "stage": "", "binds": []}
    if not isolated:
        boot = _BOOT.format(path=[path for path in sys.path if path and "site-packages" in path] + [_library(), f"{_library()}/lib-dynload"])
        command = [_interpreter(), "-I", "-S", "-B", "-c", boot]
        return base | {"command": command, "environment": environment()}
    bwrap = bubblewrap()
    if bwrap is None:
        raise FileNotFoundError("bubblewrap is not installed")
    binds = _binds()
    if os.geteuid() == 0:
        stage = next(path for path in _STAGES if os.path.isdir(path) and not any(s.startswith(path) for s, _ in binds))
        staged = [(source, f"{stage}/{number}") for number, (source, _) in enumerate(binds)]
        uid = random.choice([uid for uid in _UNUSED_UIDS if not _known(uid)])
        base |= {"stage": stage, "binds": staged, "uid": uid}
        binds = [(middle, target) for (_, middle), (_, target) in zip(staged, binds, strict=True)]
    return base | {"command": _command(bwrap, binds), "environment": {}}


def _command(bwrap: str, binds: list[tuple[str, str]]) -> list[str]:
    command = [bwrap, "--unshare-all", "--unshare-user", "--uid", "65534", "--gid", "65534", "--hostname", "sandbox"]
    command += ["--die-with-parent", "--new-session", "--as-pid-1", "--cap-drop", "ALL", "--cap-add", "CAP_SYS_ADMIN"]
    for path in SHARED_LIBRARIES:
        if os.path.islink(path):
            command += ["--symlink", os.readlink(path).removeprefix("/"), path]
        elif os.path.exists(path):
            command += ["--ro-bind", path, path]
    for source, target in binds:
        command += ["--ro-bind", source, target]
    for device in ("null", "zero", "full", "random", "urandom"):
        command += ["--dev-bind", f"/dev/{device}", f"/dev/{device}"]
    version = f"{PYTHON}/lib/python{sysconfig.get_python_version()}"
    if os.path.isdir(os.path.join(_library(), "site-packages")):
        command += ["--size", "4096", "--tmpfs", f"{version}/site-packages"]
        command += ["--remount-ro", f"{version}/site-packages"]
    command += ["--symlink", harness.INPUT_PATH, "/dev/stdin", "--dir", "/dev/shm"]
    command += ["--size", str(1 << 20), "--tmpfs", "/tmp", "--remount-ro", "/"]
    for name, value in (environment() | {"LD_LIBRARY_PATH": f"{PYTHON}/lib"}).items():
        command += ["--setenv", name, value]
    boot = _BOOT.format(path=[version, f"{version}/lib-dynload", PACKAGES])
    return [*command, f"{PYTHON}/bin/python3", "-I", "-S", "-B", "-c", boot]


def _binds() -> list[tuple[str, str]]:
    """(here, inside) of the interpreter, its standard library, and the offered packages."""
    interpreter = _interpreter()
    version = f"python{sysconfig.get_python_version()}"
    binds = [(interpreter, f"{PYTHON}/bin/python3"), (_library(), f"{PYTHON}/lib/{version}")]
    shared = sysconfig.get_config_var("INSTSONAME")
    if shared and (path := Path(sys.base_prefix, "lib", shared)).exists():
        binds.append((str(path.resolve()), f"{PYTHON}/lib/{shared}"))
    for name in OFFERED_PACKAGES:
        if found := _package(name):
            binds.append((found, f"{PACKAGES}/{name}"))
    return binds


def _interpreter() -> str:
    return os.path.realpath(sys.executable)


def _library() -> str:
    return sysconfig.get_paths(vars={"installed_base": sys.base_prefix})["stdlib"]


def _package(name: str) -> str | None:
    if name.endswith(".libs"):
        root = _package(name.removesuffix(".libs"))
        path = Path(root).parent / name if root else None
        return str(path) if path and path.is_dir() else None
    spec = util.find_spec(name)
    return spec.submodule_search_locations[0] if spec and spec.submodule_search_locations else None


def _known(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True
