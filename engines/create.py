"""The engine that a config asks for."""

from engines.base import Engine
from schemas.config import EngineConfig, OpenAIEngine, VllmEngine


def create_engine(config: EngineConfig) -> Engine:
    """An engine, not yet started. Imports only what this kind of engine needs."""
    if isinstance(config, VllmEngine):
        from engines.vllm import Vllm

        return Vllm(config)
    if isinstance(config, OpenAIEngine):
        from engines.openai import OpenAIEndpoint

        return OpenAIEndpoint(config)
    from engines.replay import Replay

    return Replay(config)
