"""Fields of a request that a recipe may not set."""

from collections.abc import Mapping
from typing import Any

from hipo_data.schemas.errors import EngineRefusedError

_OWN = {
    "n": "each rollout is a request of its own, so that it can be resumed; set sample.n",
    "seed": "each rollout has a seed of its own; set the run's seed",
    "stream": "responses are taken whole",
    "messages": "they are the prompt",
    "prompt": "it is the request's",
    "model": "it is the engine's",
}


def refuse_own_fields(extra: Mapping[str, Any]) -> None:
    """Raises `EngineRefusedError` where further fields of a recipe would undo what makes a request a rollout."""
    for name, why in _OWN.items():
        if extra.get(name) is not None:
            raise EngineRefusedError(f"a recipe may not set '{name}' in sampling.extra or extra_body: {why}")
