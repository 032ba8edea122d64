"""The part of a training recipe that names an algorithm and its reward, with the constants of each paper."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from hipo_data.schemas.config_node import Config


class AccuracyReward(Config):
    """r = 1[right] + format_weight · 1[well-formed]: HiPO's reward; 0 leaves the form out."""

    type: Literal["accuracy"]
    format_weight: float = Field(default=0.2, ge=0)


class ThinklessReward(Config):
    """1 for short and right, `think_on_right` for right with thinking, −1 otherwise."""

    type: Literal["thinkless"]
    think_on_right: float = Field(default=0.5, description="raise to 0.7 or 0.8 against a drift to short answers")


class AutoThinkReward(Config):
    """The reward of one stage of AutoThink; run the stages one after another."""

    type: Literal["autothink"]
    stage: Literal[1, 2, 3] = Field(default=1, description="1 balances the modes, 2 is plain, 3 shapes lengths")
    on_share: float = Field(default=0.5, ge=0, le=1, description="stage 1: share of think-on to aim at")
    strength: float = Field(default=2.0, ge=0, description="stage 1: λ")
    alpha: float = Field(default=0.05, ge=0, description="stage 3: how right responses are shortened")
    beta: float = Field(default=0.05, ge=0, description="stage 3: how wrong responses are drawn out")


class LcpoReward(Config):
    """Right within the number of tokens that the prompt asks for, drawn uniformly for each problem."""

    type: Literal["lcpo"]
    form: Literal["exact", "max"] = "exact"
    low: int = Field(default=100, ge=1, description="smallest budget, tokens")
    high: int = Field(default=4000, ge=1, description="largest budget, tokens")
    alpha: float = Field(default=0.0003, ge=0)
    delta: float = Field(default=0.5, description="max: what lets a response a little over its budget win")

    @model_validator(mode="after")
    def _ordered(self) -> "LcpoReward":
        if self.low > self.high:
            raise ValueError(f"low is {self.low} and high {self.high}; budgets are drawn from low to high")
        return self


class LengthPenaltyReward(Config):
    """r = 1[right] − beta · tokens."""

    type: Literal["length_penalty"]
    beta: float = Field(ge=0, description="reward a token; 1/beta tokens cost as much as a right answer is worth")


class AdaptReward(Config):
    """r = 1[right and well-formed] + format_weight · 1[well-formed]: ADaPT's reward."""

    type: Literal["adapt"]
    format_weight: float = Field(default=0.8, ge=0)


RewardConfig = Annotated[
    AccuracyReward | ThinklessReward | AutoThinkReward | LcpoReward | LengthPenaltyReward | AdaptReward,
    Field(discriminator="type"),
]

Average = Literal["sequence", "tokens", "constant"]


class _Algorithm(Config):
    average: Average = Field(
        default="sequence",
        description="token losses: mean over a response and then over responses (GRPO), over all tokens (DAPO), or "
        "sum by a constant (Dr. GRPO)",
    )
    clip: float = Field(default=0.2, gt=0, description="ε of the clipped ratio")
    kl: float = Field(default=0.0, ge=0, description="β of the KL term against the model before training")


class Hipo(_Algorithm):
    """One advantage for the choice of the mode, one for the response within it."""

    type: Literal["hipo"]
    reward: RewardConfig = AccuracyReward(type="accuracy")
    omega: float = Field(default=0.01, ge=0, description="ω: bias_off = ω · mean reward of think-on")
    bias_margin: float | None = Field(default=None, ge=0, description="gap up to which the bias acts; null: bias_off")
    gamma: float = Field(default=0.3, description="γ: weight of the response's standing in the judge's advantage")
    judge_norm: Literal["mode", "group"] = "mode"
    answer_norm: Literal["mode", "group"] = "mode"
    global_term: bool = Field(default=True, description="false leaves the comparison of modes out: an ablation")


class Grpo(_Algorithm):
    """The standing of a response within its group."""

    type: Literal["grpo"]
    reward: RewardConfig = AccuracyReward(type="accuracy")
    scale: Literal["std", "none"] = "std"


class Hgpo(_Algorithm):
    """Half of a group is forced into each mode; prizes for the better mode and the best of each."""

    type: Literal["hgpo"]
    reward: RewardConfig = AccuracyReward(type="accuracy")
    clip: float = Field(default=0.5, gt=0)
    kl: float = Field(default=0.001, ge=0)
    alpha: float = Field(default=1.0, description="weight of the prize for the mode")
    delta: float = Field(default=0.2, description="what thinking has to gain")
    ties: Literal["all", "first"] = "all"
    intra_norm: Literal["mode", "group"] = "group"


class Thinkless(_Algorithm):
    """DeGRPO: the control token's loss has a weight of its own. It sets how losses are averaged itself."""

    type: Literal["thinkless"]
    reward: RewardConfig = ThinklessReward(type="thinkless")
    kl: float = Field(default=0.001, ge=0)
    alpha: float = Field(default=0.001, gt=0, description="weight of the control token")
    form: Literal["paper", "code"] = Field(default="paper", description="mean within a response, or over the batch")


class AdaptThink(_Algorithm):
    """Half of a group is forced into each mode; think-off has to be no worse than the reference that thinks.

    The reference is `p_on` of the data: the rate at which the teacher of the dataset was right with thinking. Where
    the teacher is another model than the one that is trained, so is the reference.
    """

    type: Literal["adaptthink"]
    reward: RewardConfig = AccuracyReward(type="accuracy", format_weight=0)
    delta: float = Field(default=0.05, description="what a think-off response gets on top")
    off_share: float = Field(default=0.5, gt=0, lt=1, description="probability of think-off in the sampling policy")
    without_reference: Literal["refuse", "drop"] = Field(
        default="refuse", description="what to do with problems that have no p_on"
    )


class AutoThink(_Algorithm):
    """GRPO with the reward of a stage."""

    type: Literal["autothink"]
    reward: RewardConfig = AutoThinkReward(type="autothink")
    scale: Literal["std", "none"] = "std"


class Lcpo(_Algorithm):
    """GRPO with a budget of tokens in every prompt."""

    type: Literal["lcpo"]
    reward: RewardConfig = LcpoReward(type="lcpo")
    scale: Literal["std", "none"] = "std"


class LengthPenalty(_Algorithm):
    """GRPO with a price on every token."""

    type: Literal["length_penalty"]
    reward: RewardConfig
    scale: Literal["std", "none"] = "std"


class Adapt(_Algorithm):
    """ADaPT: half of a group is forced into each mode; the price of thinking is on the mode tag alone."""

    type: Literal["adapt"]
    reward: RewardConfig = AdaptReward(type="adapt")
    kl: float = Field(default=0.01, ge=0)
    target: float = Field(
        default=0.5, ge=0, le=1, description="share of right think-off responses from which on it is preferred"
    )
    choice_weight: float = Field(default=1.0, ge=0, description="what the price counts; 0 leaves it out: an ablation")


class AdaGrpo(_Algorithm):
    """GRPO on rewards that count more in the mode that is rare in the group, less so step by step."""

    type: Literal["ada_grpo"]
    reward: RewardConfig = AccuracyReward(type="accuracy", format_weight=0)
    kl: float = Field(default=0.001, ge=0)

    @model_validator(mode="after")
    def _never_negative(self) -> "AdaGrpo":
        if not isinstance(self.reward, AccuracyReward | AdaptReward):
            raise ValueError(
                f"ada_grpo multiplies rewards by how rare their mode is, so none may be negative; {self.reward.type}'s "
                "can be: take accuracy or adapt"
            )
        return self


AlgorithmConfig = Annotated[
    Hipo | Grpo | Hgpo | Thinkless | AdaptThink | AutoThink | Lcpo | LengthPenalty | Adapt | AdaGrpo,
    Field(discriminator="type"),
]

FORCED = (Hgpo, AdaptThink, Adapt)
"""The algorithms that force half of a group into each mode."""
