"""What a comparison of methods is: problems, cold starts, arms, budgets and seeds, all fixed before the first run."""

from typing import Literal

from pydantic import Field, field_validator

from trainer.algorithm_config import AlgorithmConfig, Config

Start = Literal["a", "b"]


class Problems(Config):
    """How many problems of each family, from two pools that share none."""

    seed: int
    train: dict[str, int] = Field(min_length=1, description="for the cold starts and for RL")
    evaluation: dict[str, int] = Field(min_length=1)


class ColdStart(Config):
    """SFT, the same for both."""

    epochs: float = Field(gt=0)
    batch: int = Field(ge=1)
    learning_rate: float = Field(gt=0)


class Budget(Config):
    """RL, the same for every arm."""

    steps: int = Field(ge=1)
    prompts: int = Field(ge=1)
    group: int = Field(ge=2)
    learning_rate: float = Field(gt=0)


class Arm(Config):
    """A method and the cold start that it begins from: a thinks always, b by HiPO's rule."""

    start: Start
    algorithm: AlgorithmConfig


class ReproduceConfig(Config):
    """The whole comparison."""

    output: str
    page: str = Field(description="where the table and the charts go, Markdown; images beside it")
    data: str = Field(description="the pipeline's recipe; its sources are filled in")
    model: str
    jobs: int = Field(default=1, ge=1, description="trainings side by side, one thread each")
    problems: Problems
    seeds: list[int] = Field(min_length=1)
    cold_start: ColdStart
    rl: Budget
    max_tokens: int = Field(ge=1)
    arms: dict[str, Arm]

    @field_validator("seeds")
    @classmethod
    def _distinct(cls, seeds: list[int]) -> list[int]:
        if len(set(seeds)) < len(seeds):
            raise ValueError(f"seeds are {seeds}; each has to differ from the others")
        return seeds
