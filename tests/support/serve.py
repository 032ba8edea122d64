"""Real model servers on this machine, for tests of the OpenAI client and of runs that use it."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def serve_vllm(model: Path, log: Path, *, name: str = "teacher", args: Sequence[str] = ()) -> Iterator[str]:
    """Serves `model` under `name` until the context ends, and gives the base URL, such as http://127.0.0.1:40001/v1.

    Args:
        model: the model's folder.
        log: file that takes the server's output.
        name: the model's name in requests.
        args: further arguments of the server; they win over those given here.

    Raises:
        RuntimeError: with the end of the log, where the server ends before it serves.
    """
    port = free_port()
    command = [
        # What `vllm serve` runs; that command itself looks for a package called vllm, which the CPU build is not.
        *(sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", model, "--served-model-name", name),
        *("--host", "127.0.0.1", "--port", port, "--dtype", "float32", "--max-model-len", 512, "--enforce-eager"),
        # On a CPU, a prefill in parts kills the engine when its request has a seed; see engines/vllm_on_cpu.py.
        "--no-enable-chunked-prefill",
        "--distributed-executor-backend=uni",
        *args,
    ]
    # Its scheduler computes itself, as that of our engines does (engines/vllm_on_cpu.py).
    own = {"VLLM_ENABLE_V1_MULTIPROCESSING": "0", "VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_NO_USAGE_STATS": "1"}
    environment = {**own, "HF_HUB_OFFLINE": "1", **os.environ}
    with serving(command, port, log, environment) as url:
        yield url


@contextmanager
def serving(command: Sequence[object], port: int, log: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """Runs `command`, which serves the OpenAI protocol at `port` and writes to `log`, until the context ends.

    Gives the base URL once the server lists its models. Raises `RuntimeError` as `serve_vllm` does.
    """
    with log.open("wb") as output:
        server = subprocess.Popen(
            [str(part) for part in command],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # its engine processes are stopped with it
        )
    try:
        while not _serves(f"http://127.0.0.1:{port}/v1/models"):
            if server.poll() is not None:
                end = "\n".join(log.read_text(errors="replace").splitlines()[-30:])
                raise RuntimeError(f"the server ended with {server.returncode} before it served ({log}):\n{end}")
            time.sleep(0.5)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        _stop(server)


def free_port() -> int:
    """One that nothing listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _serves(url: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a proxy knows nothing of this machine
    try:
        with opener.open(url, timeout=10) as reply:
            return bool(reply.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _stop(server: "subprocess.Popen[bytes]") -> None:
    server.terminate()
    with suppress(subprocess.TimeoutExpired):
        server.wait(timeout=30)
    with suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)
    server.wait()
