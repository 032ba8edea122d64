"""How an engine is asked, as a digest: where that changed, requests that failed may pass now."""

import os

from hipo_data.schemas.config import EngineConfig, OpenAIEngine
from hipo_data.schemas.keys import digest
from hipo_data.schemas.without_secrets import shown_config, shown_url

_PACE = {"replicas", "resources", "max_in_flight", "requests_per_minute", "tokens_per_minute", "price"}


def asking(config: EngineConfig) -> str:
    """Digest of an engine's config without its secrets, and without what decides only how fast it is asked."""
    tree = shown_config(config.model_dump(mode="json", exclude=_PACE))
    if isinstance(config, OpenAIEngine) and config.base_url is None:
        tree = {**tree, "base_url": shown_url(os.environ.get("OPENAI_BASE_URL", ""))}
    return digest(tree)
