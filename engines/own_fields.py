"""Fields of a request that a recipe may not set."""

from collections.abc import Mapping
from typing import Any

from hipo_data.schemas.errors import EngineRefusedError
from hipo_data.schemas.request_fields import OF_A_ROLLOUT


def refuse_own_fields(extra: Mapping[str, Any]) -> None:
    """Raises `EngineRefusedError` where further fields of a recipe would undo what makes a request a rollout."""
    for name, why in OF_A_ROLLOUT.items():
        if extra.get(name) is not None:
            raise EngineRefusedError(f"a recipe may not set '{name}' in sampling.extra or extra_body: {why}")
