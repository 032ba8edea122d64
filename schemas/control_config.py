"""Config of thinking that is looked at while it goes on: in pieces, after each of which something decides."""

from typing import Any

from pydantic import Field, model_validator

from hipo_data.schemas.config_node import Config
from hipo_data.schemas.config_texts import Line
from hipo_data.schemas.sampling_config import SamplingConfig


class ControllerConfig(Config):
    """A model that reads the thinking so far and says what is to become of it."""

    engine: Line = Field(description="that of the arm: the controller sits beside it")
    template: Line = Field(default="control", description="prompt template: a name in prompts/templates or a path")
    chat_template_kwargs: dict[str, Any] = Field(default_factory=dict)
    system_prompt: str | None = None
    sampling: SamplingConfig = SamplingConfig(temperature=0, max_tokens=16)


class ControlConfig(Config):
    """Thinking in pieces; after each one it goes on, is taken back to an earlier piece, begins anew, or ends and the
    answer is asked for. Rules come first, then a controller."""

    chunk: int = Field(ge=1, le=10**8, description="tokens of a piece of thinking")
    agree: int | None = Field(
        default=None,
        ge=2,
        description="a short trial answer is asked for after each piece, and thinking ends once so many in a row agree",
    )
    trial_tokens: int = Field(default=64, ge=1, le=10**6)
    trial_opening: str = Field(default="", description="start of each trial answer, such as '\\boxed{'")
    repeats: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="a piece is taken back of whose runs of five words at least this share stood in the thinking "
        "before; where the next one is no better, thinking ends",
    )
    controller: ControllerConfig | None = None
    returns: int = Field(
        default=4, ge=0, le=1_000, description="times that thinking is taken back or begun anew, at most"
    )

    @model_validator(mode="after")
    def _decides(self) -> "ControlConfig":
        if self.agree is None and self.repeats is None and self.controller is None:
            raise ValueError("has pieces, and nothing that decides after one; set agree, repeats or controller")
        return self

    def tokens_at_most(self, max_tokens: int) -> int:
        """What a response of so many tokens at most may take with all that is thrown away, tried and asked."""
        pieces = -(-max_tokens // self.chunk) + self.returns
        beside = (self.trial_tokens if self.agree else 0) + (
            self.controller.sampling.max_tokens if self.controller else 0
        )
        return max_tokens * (1 + self.returns) + pieces * (1 + self.returns) * beside
