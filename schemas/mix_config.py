"""Config of how rows that think and rows that do not are mixed for a trainer."""

from typing import Literal

from pydantic import Field, model_validator

from hipo_data.schemas.config_node import Config

PHASES = (1, 2)


class MixConfig(Config):
    """The hybrid-thinking recipe of arXiv 2510.12680, whose numbers are the defaults: 5/9 of the rows think, and 2/9 of
    all, which think, come first."""

    pairs: Literal["forbid", "allow"] = Field(
        default="forbid", description="forbid: a problem with rows of both sorts keeps those of one"
    )
    think: float | None = Field(
        default=0.56, gt=0, lt=1, description="share of the training rows that think; null: as it comes"
    )
    keep: Literal["any", "short", "long"] = Field(
        default="any", description="which rows stay of the sort that has too many: any by seed, or by length"
    )
    phases: Literal[1, 2] = Field(
        default=2, description="2: training rows are told apart, rows that think first, then the rest of all"
    )
    first: float = Field(default=0.4, gt=0, lt=1, description="share of the rows that think that are phase 1")

    @model_validator(mode="after")
    def _mixes(self) -> "MixConfig":
        if self.pairs == "allow" and self.think is None and self.phases == 1:
            raise ValueError("changes nothing with pairs: allow, think: null and phases: 1; leave 'mix' out")
        return self
