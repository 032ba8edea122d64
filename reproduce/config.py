"""What a comparison of methods is: problems, cold starts, arms, budgets and seeds, all fixed before the first run."""

import re
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from hipo_data.models.make.tasks import MATH_FAMILIES
from hipo_data.prompts.formats.registry import FormatName
from hipo_data.schemas.algorithm_config import FORCED, AlgorithmConfig
from hipo_data.schemas.config_node import Config
from hipo_data.trainer.facts.forced_switch import refuse_forced_switch
from hipo_data.trainer.training.config import Schedule


def _distinct(seeds: list[int]) -> list[int]:
    if len(set(seeds)) < len(seeds):
        raise ValueError(f"seeds are {seeds}; each has to differ from the others")
    return seeds


Seeds = Annotated[list[int], Field(min_length=1), AfterValidator(_distinct)]


Count = Annotated[int, Field(ge=1)]


class Problems(Config):
    """How many problems of each family, from two pools that share none."""

    seed: int
    train: dict[str, Count] = Field(min_length=1, description="for the cold starts and for RL")
    evaluation: dict[str, Count] = Field(min_length=1)

    @model_validator(mode="after")
    def _alike(self) -> Self:
        if self.train.keys() != self.evaluation.keys():
            raise ValueError(
                f"problems.train has the families {', '.join(self.train)} and problems.evaluation "
                f"{', '.join(self.evaluation)}; name the same in both"
            )
        if unknown := [family for family in self.train if family not in MATH_FAMILIES]:
            raise ValueError(f"there is no family '{unknown[0]}'; there is {', '.join(MATH_FAMILIES)}")
        return self


class Room(Config):
    """What the best choice of modes has to reach in the mix, by the teacher's rollouts, before anything is trained.

    Both against always thinking, as shares of it, reached by one of the policies of `reproduce.ceiling`.
    """

    tokens: float = Field(lt=0, ge=-1, description="at least so far down, justifications counted: -0.3 is 30 % less")
    accuracy: float = Field(description="at least so far up: 0.05 is 5 % more right ones")


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
    schedule: Schedule = Field(default="constant", description="of the learning rate, one of transformers")


class Arm(Config):
    """A method and the cold start that it begins from; without an algorithm, the cold start itself."""

    start: str
    algorithm: AlgorithmConfig | None = None
    seeds: Seeds | None = Field(default=None, description="of its own; default: those of all")


class Ablations(Config):
    """Arms that differ from one of the comparison in one respect each."""

    of: str
    seeds: Seeds
    arms: dict[str, Arm]


def slug(name: str) -> str:
    """A name as a file's."""
    return re.sub(r"[^\w.]+", "-", name.lower())


def _tell_apart(names: list[str]) -> None:
    """Raises `ValueError` where two names would have one row of the page, or one file of results."""
    seen: dict[str, str] = {}
    for name in names:
        if slug(name) in seen:
            raise ValueError(
                f"the names '{seen[slug(name)]}' and '{name}' differ in signs alone, if at all; change one"
            )
        seen[slug(name)] = name


def _can_train(name: str, arm: Arm, start: Start | None, group: int) -> None:
    """Raises `ValueError` where an arm of the comparison could not be trained."""
    if arm.algorithm is None:
        raise ValueError(f"{name} has no algorithm; give it one, as a cold start alone is no arm")
    if isinstance(arm.algorithm, FORCED) and group % 2:
        raise ValueError(f"{name} forces half of each group into each mode, and rl.group is {group}; make it even")
    if start is not None:
        try:
            refuse_forced_switch(start.format, arm.algorithm)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error


class ReproduceConfig(Config):
    """The whole comparison: its first round is the cold starts and `arms`, a second one `more` and the ablations."""

    output: str
    page: str = Field(description="where the table and the charts go, Markdown; images beside it")
    data: str = Field(description="the pipeline's recipe; its sources are filled in")
    model: str
    jobs: int = Field(default=1, ge=1, description="trainings side by side, one thread each")
    problems: Problems
    room: Room | None = None
    hybrid: Hybrid | None = None
    seeds: Seeds = Field(description="of every arm that names none")
    starts: dict[str, Start] = Field(min_length=1, description="the first is what all is compared with")
    cold_start: ColdStart
    rl: Budget
    max_tokens: int = Field(ge=1)
    arms: dict[str, Arm]
    more: dict[str, Arm] = Field(default={}, description="arms of the second round")
    against: dict[str, str] = Field(default={}, description="arms, and the arm that each is compared with besides")
    ablations: Ablations | None = None

    @model_validator(mode="after")
    def _known(self) -> Self:
        ablations = self.ablations.arms if self.ablations else {}
        twice = [name for name in self.more if name in self.arms] + [name for name in ablations if name in self.methods]
        if twice:
            raise ValueError(f"two arms are called '{twice[0]}'; the page tells them apart by their names")
        arms = {**self.methods, **ablations}
        _tell_apart([*arms, *(start.title for start in self.starts.values())])
        for name, arm in arms.items():
            _can_train(name, arm, self.starts.get(arm.start), self.rl.group)
        named = {name: arm.start for name, arm in arms.items()}
        for name, start in {**named, "rl.problems_of": self.rl.problems_of}.items():
            if start not in self.starts:
                raise ValueError(f"{name} names the start '{start}'; there is {', '.join(self.starts)}")
        for name in [*self.against, *self.against.values()]:
            if name not in self.methods:
                raise ValueError(f"against names '{name}', which is none of the arms")
        for name, other in self.against.items():
            if name == other or not set(self.seeds_of(name)) & set(self.seeds_of(other)):
                raise ValueError(
                    f"against compares '{name}' with '{other}'; name another arm that shares seeds with it"
                )
        if self.ablations:
            of = self.ablations.of
            if of not in self.methods:
                raise ValueError(f"ablations.of is '{of}', which is none of the arms")
            for name in ablations:
                if not set(self.seeds_of(name)) <= set(self.seeds_of(of)):
                    raise ValueError(
                        f"{name} has the seeds {self.seeds_of(name)}; they have to be among those of {of}, which are "
                        f"{self.seeds_of(of)}"
                    )
        return self

    @property
    def methods(self) -> dict[str, Arm]:
        """The arms of both rounds, without the ablations."""
        return {**self.arms, **self.more}

    def seeds_of(self, name: str) -> list[int]:
        """The seeds of an arm by name."""
        if self.ablations and name in self.ablations.arms:
            return self.ablations.arms[name].seeds or self.ablations.seeds
        return self.methods[name].seeds or self.seeds
