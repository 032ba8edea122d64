"""What a sandbox sees of this machine, and the command that starts it."""

import glob
import json
import os
import pwd
import random
import shutil
import sys
import sysconfig
from functools import cache
from importlib import util
from pathlib import Path

from hipo_data.graders.inside import harness, server
from hipo_data.graders.sandbox import usage

PYTHON = "/runtime/python"
PACKAGES = "/runtime/packages"
OFFERED_PACKAGES = ("numpy", "numpy.libs", "sortedcontainers")
STACK_BYTES = 256 << 20
_UNUSED_UIDS = range(61184, 65520)
_STAGES = ("/mnt", "/media", "/srv", "/opt")
_LOAD = """
for name, text in sources.items():
    module = types.ModuleType(name)
    module.__path__ = []
    sys.modules[name] = module
    if "." in name:
        parent, _, child = name.rpartition(".")
        setattr(sys.modules[parent], child, module)
    exec(compile(text, "<" + name + ">", "exec", dont_inherit=True), vars(module))
"""
_BOOT = f"""
import sys, os, json, types
sys.path[:] = {{path!r}}
sources = json.loads(os.fdopen(4, "rb").read())
{_LOAD}
sys.modules["hipo_data.graders.inside.server"].main()
"""


@cache
def sources() -> dict[str, str]:
    """The modules that run inside, by name, in the order of their imports."""
    folder = Path(server.__file__).parent
    found = {"hipo_data": "", "hipo_data.graders": "", "hipo_data.graders.inside": ""}
    for name in ("wire", "equality", "prelude", "namespaces", "landlock", "harness", "driver", "checking", "server"):
        found[f"hipo_data.graders.inside.{name}"] = (folder / f"{name}.py").read_text()
    return found


@cache
def standalone(name: str) -> str:
    """A script, for an interpreter that has nothing of this package, that ends by calling `main` of the module `name`.

    `name` may import what runs inside, and the parts of `graders.sandbox` that need the standard library only.
    """
    folder = Path(usage.__file__).parent
    found = sources() | {"hipo_data.graders.sandbox": ""}
    for part in ("usage", "run"):
        found[f"hipo_data.graders.sandbox.{part}"] = (folder / f"{part}.py").read_text()
    found[name] = (folder / f"{name.rpartition('.')[2]}.py").read_text()
    return (
        f"import json, sys, types\nsources = json.loads({json.dumps(found)!r})\n{_LOAD}sys.modules[{name!r}].main()\n"
    )


def environment() -> dict[str, str]:
    """The whole environment inside: nothing of this process's own."""
    one_thread = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
    fixed = {"PATH": "/usr/bin", "HOME": "/tmp", "LANG": "C.UTF-8", "PYTHONHASHSEED": "0", "PYTHONUTF8": "1"}
    return fixed | dict.fromkeys(one_thread, "1")


def readable() -> list[str]:
    """What a program may read under Landlock, where it sees the paths of this machine."""
    offered = [here for here, _ in binds()]
    devices = [f"/dev/{name}" for name in ("null", "zero", "full", "random", "urandom")]
    return [*offered, *_shared_libraries(), *devices]


def plan(isolated: bool) -> dict[str, object]:
    """What `launch.py` is to do. Raises `FileNotFoundError` where bubblewrap is needed and missing."""
    base: dict[str, object] = {
        "stack": STACK_BYTES,
        "parent": os.getpid(),
        "uid": 0,
        "stage": "",
        "binds": [],
        "cgroup": "",
    }
    if not isolated:
        packages = [path for path in sys.path if "site-packages" in path]
        boot = _BOOT.format(path=[*packages, _library(), f"{_library()}/lib-dynload"])
        return base | {"command": [_interpreter(), "-I", "-S", "-B", "-c", boot], "environment": environment()}
    shown = binds()
    if os.geteuid() == 0:
        free = [path for path in _STAGES if os.path.isdir(path) and not any(here.startswith(path) for here, _ in shown)]
        if not free:
            raise FileNotFoundError(f"none of {', '.join(_STAGES)} is free to bind the Python runtime to")
        staged = [(here, f"{free[0]}/{number}") for number, (here, _) in enumerate(shown)]
        uid = random.choice([uid for uid in _UNUSED_UIDS if not _known(uid)])
        base |= {"stage": free[0], "binds": staged, "uid": uid}
        shown = [(middle, inside) for (_, middle), (_, inside) in zip(staged, shown, strict=True)]
    library = _inside_library()
    boot = _BOOT.format(path=[library, f"{library}/lib-dynload", PACKAGES])
    return base | {"command": command(boot, shown), "environment": {}}


def command(boot: str, shown: list[tuple[str, str]]) -> list[str]:
    """The command that runs the Python text `boot` in a sandbox which sees the (here, inside) paths `shown`.

    Raises `FileNotFoundError` where bubblewrap is missing.
    """
    bwrap = shutil.which("bwrap")
    if bwrap is None:
        raise FileNotFoundError("bubblewrap is not installed")
    made = [bwrap, "--unshare-all", "--unshare-user", "--uid", "65534", "--gid", "65534", "--hostname", "sandbox"]
    made += ["--new-session", "--as-pid-1", "--cap-drop", "ALL", "--cap-add", "CAP_SYS_ADMIN"]
    for path in _shared_libraries():
        if os.path.islink(path):
            made += ["--symlink", os.readlink(path).removeprefix("/"), path]
        elif os.path.exists(path):
            made += ["--ro-bind", path, path]
    for here, inside in shown:
        made += ["--ro-bind", here, inside]
    for device in ("null", "zero", "full", "random", "urandom"):
        made += ["--dev-bind", f"/dev/{device}", f"/dev/{device}"]
    if os.path.isdir(f"{_library()}/site-packages"):
        hidden = f"{_inside_library()}/site-packages"
        made += ["--size", "4096", "--tmpfs", hidden, "--remount-ro", hidden]
    made += ["--symlink", harness.INPUT_PATH, "/dev/stdin", "--dir", "/dev/shm"]
    made += ["--size", str(1 << 20), "--tmpfs", "/tmp", "--remount-ro", "/"]
    for name, value in (environment() | {"LD_LIBRARY_PATH": f"{PYTHON}/lib"}).items():
        made += ["--setenv", name, value]
    return [*made, f"{PYTHON}/bin/python3", "-I", "-S", "-B", "-c", boot]


def binds() -> list[tuple[str, str]]:
    """(here, inside) of the interpreter, its standard library, and the offered packages."""
    found = [(_interpreter(), f"{PYTHON}/bin/python3"), (_library(), _inside_library())]
    shared = sysconfig.get_config_var("INSTSONAME")
    if shared and (path := Path(sys.base_prefix, "lib", shared)).exists():
        found.append((str(path.resolve()), f"{PYTHON}/lib/{shared}"))
    for name in OFFERED_PACKAGES:
        if package := _package(name):
            found.append((package, f"{PACKAGES}/{name}"))
    return found


def _shared_libraries() -> list[str]:
    """Where the C library and its like are: with Debian's layout only the folder of this processor."""
    own = f"/usr/lib/{sysconfig.get_config_var('MULTIARCH')}"
    if os.path.isdir(own):
        found = [own, *glob.glob("/usr/lib/ld-linux*")]
        found += ["/lib"] if os.path.islink("/lib") else [own.removeprefix("/usr")]
    else:
        found = ["/usr/lib", "/lib"]
    return [*found, "/usr/lib64", "/lib64", "/etc/ld.so.cache", "/usr/lib/locale/C.utf8"]


def _inside_library() -> str:
    return f"{PYTHON}/lib/python{sysconfig.get_python_version()}"


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
