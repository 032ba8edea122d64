"""What a comparison of methods is: problems, cold starts, arms, budgets and seeds, all fixed before the first run."""

from typing import Self

from pydantic import Field, field_validator, model_validator

from hipo_data.prompts.formats.registry import FormatName
from hipo_data.schemas.algorithm_config import AlgorithmConfig
from hipo_data.schemas.config_node import Config


class Problems(Config):
    """How many problems of each family, from two pools that share none."""

    seed: int
    train: dict[str, int] = Field(min_length=1, description="for the cold starts and for RL")
    evaluation: dict[str, int] = Field(min_length=1)


class Hybrid(Config):
    """What hybrid accuracy is measured on: forcing both modes costs three times the responses."""

    share: float = Field(gt=0, le=1, description="of the evaluation problems of each family, the first")
    samples: int = Field(ge=1, description="of each problem in each mode, and as many free choices")


class Start(Config):
    """A cold start: what the pipeline makes of the rollouts for it. All starts share the rollouts."""

    title: str
    overrides: list[str] = Field(default=[], description="of the pipeline's recipe, KEY=VALUE")
    format: FormatName = "hipo"


class ColdStart(Config):
    """SFT, the same for all starts."""

    epochs: float = Field(gt=0)
    batch: int = Field(ge=1)
    learning_rate: float = Field(gt=0)


class Budget(Config):
    """RL, the same for every arm."""

    problems_of: str = Field(description="the start whose dataset gives the problems and their pass rates")
    steps: int = Field(ge=1)
    prompts: int = Field(ge=1)
    group: int = Field(ge=2)
    learning_rate: float = Field(gt=0)


class Arm(Config):
    """A method and the cold start that it begins from; without an algorithm, the cold start itself."""

    start: str
    algorithm: AlgorithmConfig | None = None


class Ablations(Config):
    """Arms that differ from one of the comparison in one respect each."""

    of: str
    seeds: list[int] = Field(min_length=1)
    arms: dict[str, Arm]


class ReproduceConfig(Config):
    """The whole comparison."""

    output: str
    page: str = Field(description="where the table and the charts go, Markdown; images beside it")
    data: str = Field(description="the pipeline's recipe; its sources are filled in")
    model: str
    jobs: int = Field(default=1, ge=1, description="trainings side by side, one thread each")
    problems: Problems
    hybrid: Hybrid | None = None
    seeds: list[int] = Field(min_length=1)
    starts: dict[str, Start] = Field(min_length=1, description="the first is what all is compared with")
    cold_start: ColdStart
    rl: Budget
    max_tokens: int = Field(ge=1)
    arms: dict[str, Arm]
    ablations: Ablations | None = None

    @field_validator("seeds")
    @classmethod
    def _distinct(cls, seeds: list[int]) -> list[int]:
        if len(set(seeds)) < len(seeds):
            raise ValueError(f"seeds are {seeds}; each has to differ from the others")
        return seeds

    @model_validator(mode="after")
    def _known(self) -> Self:
        ablations = self.ablations.arms if self.ablations else {}
        named = {name: arm.start for name, arm in {**self.arms, **ablations}.items()}
        for name, start in {**named, "rl.problems_of": self.rl.problems_of}.items():
            if start not in self.starts:
                raise ValueError(f"{name} names the start '{start}'; there is {', '.join(self.starts)}")
        if self.ablations and self.ablations.of not in self.arms:
            raise ValueError(f"ablations.of is '{self.ablations.of}', which is none of the arms")
        if self.ablations and not set(self.ablations.seeds) <= set(self.seeds):
            raise ValueError(
                f"ablations.seeds are {self.ablations.seeds}; they have to be among the seeds {self.seeds}"
            )
        return self
