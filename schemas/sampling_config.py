"""How text is sampled."""

from typing import Any

from pydantic import Field

from hipo_data.schemas.config_node import Config


class SamplingConfig(Config):
    """Sampling parameters. Defaults follow common practice for reasoning models; HiPO does not publish its own."""

    temperature: float = Field(default=1.0, ge=0, le=10)
    top_p: float = Field(default=0.95, gt=0, le=1)
    max_tokens: int = Field(default=32_768, ge=1, le=10**8)
    extra: dict[str, Any] = Field(default_factory=dict, description="further sampling parameters of the engine")
