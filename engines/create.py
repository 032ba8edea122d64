"""The engine that a config asks for."""

from pathlib import Path

from hipo_data.engines.base import Engine
from hipo_data.schemas.config import EngineConfig, OpenAIEngine, RolloutsEngine, VllmEngine


def create_engine(config: EngineConfig, state_folder: Path | None = None) -> Engine:
    """An engine, not yet started. Imports only what this kind of engine needs.

    Args:
        config: of the engine.
        state_folder: where an engine in batch mode keeps what it has to know after a restart, one for each engine of
            the config. Raises `ValueError` where such an engine gets none.
    """
    if isinstance(config, VllmEngine):
        from hipo_data.engines.vllm import Vllm

        return Vllm(config)
    if isinstance(config, OpenAIEngine):
        if config.batch is not None:
            from hipo_data.engines.openai_batch import OpenAIBatches

            if state_folder is None:
                raise ValueError("an engine in batch mode needs a folder for its state")
            return OpenAIBatches(config, state_folder)
        from hipo_data.engines.openai import OpenAIEndpoint

        return OpenAIEndpoint(config)
    if isinstance(config, RolloutsEngine):
        from hipo_data.engines.rollouts import Rollouts

        return Rollouts(config)
    from hipo_data.engines.replay import Replay

    return Replay(config)
