"""Tells a webhook or a command how a run ended."""

import json
import subprocess
from typing import Any

import httpx
import tenacity

from hipo_data.schemas.watch_config import WatchConfig

_TRIES = 4
_TIMEOUT_S = 20.0
_COMMAND_TIMEOUT_S = 120.0


def notify(config: WatchConfig, outcome: dict[str, Any]) -> list[str]:
    """Tells whom the config names. Returns what went wrong, a sentence each: a run is not worse for it."""
    body = json.dumps(outcome).encode()
    problems = []
    if config.webhook:
        try:
            _post(config.webhook, body)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            problems.append(f"watch.webhook was not told ({_reason(error)})")
    if config.command:
        try:
            subprocess.run(config.command, input=body, check=True, timeout=_COMMAND_TIMEOUT_S)
        except (OSError, subprocess.SubprocessError) as error:
            problems.append(f"watch.command failed ({_reason(error)})")
    return problems


@tenacity.retry(
    stop=tenacity.stop_after_attempt(_TRIES),
    wait=tenacity.wait_random_exponential(max=10),
    retry=tenacity.retry_if_exception_type(httpx.HTTPError),
    reraise=True,
)
def _post(url: str, body: bytes) -> None:
    reply = httpx.post(url, content=body, headers={"Content-Type": "application/json"}, timeout=_TIMEOUT_S)
    reply.raise_for_status()


def _reason(error: Exception) -> str:
    """Without the address and the words of the command, which may hold a key."""
    match error:
        case httpx.HTTPStatusError():
            return f"it answered {error.response.status_code}"
        case subprocess.CalledProcessError():
            return f"it ended with {error.returncode}"
        case subprocess.TimeoutExpired():
            return f"it took over {error.timeout:g} s"
        case OSError(strerror=str(reason)):
            return reason
    return type(error).__name__
