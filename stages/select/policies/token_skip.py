"""TokenSkip: reasoning pruned to a share of its tokens, the least important ones left out (arXiv 2502.12067).

Importance is that of LLMLingua-2 (arXiv 2403.12968), from the package `llmlingua`, which is no dependency of this
project: it brings a model of half a billion parameters. Decided here: digits are always kept, since a sum without them
is no sum.
"""

from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from hipo_data.schemas.errors import UserError


def require() -> None:
    """Raises `UserError` where llmlingua is not installed."""
    if find_spec("llmlingua") is None:
        raise UserError(
            "select.budget.kind: token_skip prunes with LLMLingua-2, and the package llmlingua is not installed; "
            "run 'uv pip install llmlingua' in the environment of every worker, or choose another kind"
        )


def pruner(model: str) -> Callable[[str, float], str]:
    """Prunes a reasoning to a share of its tokens; the model is loaded with the first one."""

    def prune(reasoning: str, share: float) -> str:
        if share >= 1 or not reasoning.strip():  # llmlingua breaks on text without words
            return reasoning
        pruned: str = _compressor(model).compress_prompt(
            reasoning, rate=share, force_reserve_digit=True, drop_consecutive=True
        )["compressed_prompt"]
        return pruned

    return prune


@cache
def _compressor(model: str) -> Any:
    require()
    # Not `auto`, by which llmlingua takes the machine to have a GPU.
    device = "cuda" if import_module("torch").cuda.is_available() else "cpu"
    return import_module("llmlingua").PromptCompressor(model_name=model, use_llmlingua2=True, device_map=device)
