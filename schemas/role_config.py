"""How engines are asked: a role for each part that one plays, and arms, which are roles in an order of cost."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from hipo_data.schemas.config_node import Config
from hipo_data.schemas.config_texts import Line
from hipo_data.schemas.control_config import ControlConfig
from hipo_data.schemas.family import Reading
from hipo_data.schemas.records import Mode, is_arm_name
from hipo_data.schemas.sampling_config import SamplingConfig

BUDGET_FIELD = "thinking_token_budget"
"""The sampling parameter of vLLM, in an engine and at its server, that ends reasoning after so many tokens."""


class RoleConfig(Config):
    """One use of an engine. The mode switch is whatever the model needs of these fields."""

    engine: Line = Field(description="a key of `engines`")
    family: str | None = Field(
        default=None, description="family of the model where it is not the engine's; what is set beside it wins"
    )
    chat_template_kwargs: dict[str, Any] = Field(default_factory=dict)
    system_prompt: str | None = None
    question_suffix: str = Field(default="", description="appended to the user turn, such as ` /no_think`")
    response_prefix: str = Field(default="", description="start of the response that the model continues")
    starts_in_reasoning: bool = Field(
        default=False, description="the chat template opens the reasoning, so responses begin inside it"
    )
    reading: Reading | None = Field(
        default=None, description="tags of reasoning and answers; default: the family's, else `<think>`"
    )
    sampling: SamplingConfig = SamplingConfig()
    control: ControlConfig | None = Field(
        default=None, description="thinking in pieces, with something that decides after each; of roles that think"
    )

    @property
    def tokens_at_most(self) -> int:
        """Tokens that a response may take, with those that its control throws away."""
        most = self.sampling.max_tokens
        return most if self.control is None else self.control.tokens_at_most(most)


def _arm_name(name: Any) -> Any:
    if isinstance(name, str) and not is_arm_name(name):
        raise ValueError(f"{name!r} is no name of an arm; use lower case, digits and single '_', such as think_low")
    return name


class ArmConfig(RoleConfig):
    """One way of asking for a response, of several in an order of cost. `think_off` names the one that does not reason,
    all others do."""

    name: Annotated[Mode, BeforeValidator(_arm_name)] = Field(
        description="of the arm: the value of `mode` in all tables"
    )
    effort: str | None = Field(
        default=None, description="level of effort as the model's family calls it, such as low, medium or high"
    )
    budget: int | None = Field(
        default=None, ge=1, le=10**8, description="tokens of reasoning at most, by vLLM's thinking_token_budget"
    )
    cost: float | None = Field(
        default=None, gt=0, description="of one token of a response, in any unit; default: 1, so that cost is tokens"
    )

    @property
    def role(self) -> RoleConfig:
        """How it is asked for."""
        said = {name: getattr(self, name) for name in RoleConfig.model_fields if name in self.model_fields_set}
        if self.budget is not None:
            extra = {BUDGET_FIELD: self.budget, **self.sampling.extra}
            said["sampling"] = self.sampling.model_copy(update={"extra": extra})
        return RoleConfig(**said)


class RolesConfig(Config):
    """Which engine plays which part. All may name the same engine."""

    think_on: RoleConfig
    think_off: RoleConfig
    justifier: RoleConfig
    arms: list[ArmConfig] | None = Field(
        default=None,
        min_length=2,
        description="arms from cheap to dear in place of think_off and think_on, for select.policy: effort",
    )

    @model_validator(mode="before")
    @classmethod
    def _ends(cls, data: Any) -> Any:
        """Where arms are given, the first and the last of them stand in for think_off and think_on."""
        arms = data.get("arms") if isinstance(data, dict) else None
        if isinstance(arms, dict):
            raise ValueError("'arms' is a mapping, which has no order; write a list, from cheap to dear")
        if not isinstance(arms, (list, tuple)) or not arms:
            return data
        return {"think_off": _role_of(arms[0]), "think_on": _role_of(arms[-1]), **data}

    @model_validator(mode="after")
    def _ends_are_arms(self) -> "RolesConfig":
        for name, arm in {} if self.arms is None else {"think_off": self.arms[0], "think_on": self.arms[-1]}.items():
            if getattr(self, name).model_dump() != arm.role.model_dump():
                raise ValueError(f"has '{name}' beside 'arms' and another one there; leave it out, as arms say it all")
        return self

    @property
    def all(self) -> list[RoleConfig]:
        """All of them, each once."""
        return [role for _, role in self.named]

    @property
    def modes(self) -> tuple[Mode, ...]:
        """The modes that are sampled, from cheap to dear."""
        return (Mode.THINK_OFF, Mode.THINK_ON) if self.arms is None else tuple(arm.name for arm in self.arms)

    @property
    def voter(self) -> Mode:
        """The mode whose responses vote on problems without a gold: think-on, or the dearest arm."""
        return self.modes[-1]

    @property
    def dear_first(self) -> tuple[Mode, ...]:
        """The modes that are sampled, from dear to cheap, which is the order of the two in tables for people."""
        return self.modes[::-1]

    @property
    def is_pair(self) -> bool:
        """Whether it is the two modes that are sampled, whichever way the recipe names them."""
        return self.modes == (Mode.THINK_OFF, Mode.THINK_ON)

    @property
    def named(self) -> list[tuple[str, RoleConfig]]:
        """All roles with the keys of the recipe that they are found under."""
        modes = self.modes if self.arms else (Mode.THINK_ON, Mode.THINK_OFF)
        return [*((self.where(mode), self.of(mode)) for mode in modes), ("roles.justifier", self.justifier)]

    def of(self, mode: Mode) -> RoleConfig:
        """The role that samples `mode`."""
        if self.arms is None:
            return self.think_on if mode is Mode.THINK_ON else self.think_off
        return next(arm.role for arm in self.arms if arm.name is mode)

    def budget(self, mode: Mode) -> int | None:
        """Tokens of reasoning that a response in `mode` may have, null for any number."""
        return next((arm.budget for arm in self.arms or () if arm.name is mode), None)

    @property
    def budgets(self) -> dict[str, int]:
        """`budget` of the arms that have one, by name."""
        return {str(arm.name): arm.budget for arm in self.arms or () if arm.budget is not None}

    def cost(self, mode: Mode) -> float:
        """What one token of a response in `mode` costs; 1 unless the recipe says."""
        return next((arm.cost for arm in self.arms or () if arm.name is mode and arm.cost is not None), 1.0)

    def where(self, mode: Mode) -> str:
        """The key of the recipe that the role is found under."""
        return f"roles.{mode}" if self.arms is None else f"roles.arms.{self.modes.index(mode)}"


def _role_of(arm: Any) -> Any:
    if isinstance(arm, dict):
        try:
            arm = ArmConfig.model_validate(arm)
        except ValidationError:  # said of the arm itself
            return {"engine": str(arm.get("engine", "-"))}
    return arm.role if isinstance(arm, ArmConfig) else arm
