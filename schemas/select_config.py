"""Config of what becomes of graded rollouts: select, justify, publish."""

from pathlib import PurePath
from typing import Any, Literal

from pydantic import Field, model_validator

from hipo_data.schemas.config_node import Config
from hipo_data.schemas.config_texts import Line
from hipo_data.schemas.mix_config import MixConfig

PolicyName = Literal[
    "hipo",
    "adaptthink",
    "thinkless",
    "lhrm",
    "all-correct",
    "shortest",
    "always-think",
    "preference",
    "budget",
    "groups",
    "effort",
]

OVER_ARMS: tuple[PolicyName, ...] = ("effort", "budget", "all-correct", "shortest")
"""Policies that know of other arms than the two modes."""


class ThinklessPolicy(Config):
    """Pairs of a long and a short response."""

    verify_short: bool = Field(default=False, description="whether the short response has to be right, too")


class LhrmPolicy(Config):
    """Hard and easy by the pass rate without thinking; the authors take them from different datasets."""

    hard_below: float = Field(default=0.5, ge=0, le=1, description="hard: think-off is right less often than this")
    easy_from: float = Field(default=0.75, ge=0, le=1, description="easy: think-off is right at least this often")

    @model_validator(mode="after")
    def _apart(self) -> "LhrmPolicy":
        if self.hard_below > self.easy_from:
            raise ValueError(
                f"hard_below is {self.hard_below} and easy_from {self.easy_from}, so that a problem could be both; "
                "make hard_below the smaller one"
            )
        return self


class PreferencePolicy(Config):
    """Pairs of a preferred and a rejected response."""

    pool: Literal["mode", "both"] = Field(
        default="mode", description="mode: both responses of a pair have the same mode; both: of either mode"
    )
    min_margin: float = Field(default=0.0, ge=0, description="pairs whose scores differ by less are left out")
    accuracy_weight: float = Field(default=2.0, ge=0, description="λ of O1-Pruner's weights")


class BudgetPolicy(Config):
    """Responses to prompts that say how much to think."""

    kind: Literal["lcpo_exact", "lcpo_max", "constrained", "concise", "token_skip", "system_1x"] = "lcpo_exact"
    low: int = Field(default=100, ge=1, description="LCPO: smallest budget in tokens")
    high: int = Field(default=4_000, ge=1, description="LCPO: largest budget in tokens")
    tolerance: float = Field(
        default=0.25, ge=0, description="lcpo_exact: how far from its budget a response may be, as a share of it"
    )
    words: tuple[int, ...] = Field(
        default=(15, 30, 45, 60, 100), min_length=1, description="constrained: limits to draw from, in words"
    )
    ratios: tuple[float, ...] = Field(
        default=(1.0, 0.9, 0.8, 0.7, 0.6, 0.5), min_length=1, description="token_skip: shares of tokens to draw from"
    )
    compressor: str = Field(
        default="microsoft/llmlingua-2-xlm-roberta-large-meetingbank", description="token_skip: LLMLingua-2's model"
    )
    slow: tuple[float, ...] = Field(
        default=(0.25, 0.5, 0.75), min_length=1, description="system_1x: shares of slow steps to draw from"
    )

    @model_validator(mode="after")
    def _in_range(self) -> "BudgetPolicy":
        if self.low > self.high:
            raise ValueError(f"low is {self.low} and high {self.high}; make low the smaller one")
        if min(self.words) < 1:
            raise ValueError(f"words holds {min(self.words)}; a limit is at least one word")
        for name, shares in (("ratios", self.ratios), ("slow", self.slow)):
            if not all(0 < share <= 1 for share in shares):
                raise ValueError(f"{name} are shares above 0 and at most 1, not {list(shares)}")
        return self


class GroupsPolicy(Config):
    """All graded rollouts of a problem, kept together."""

    format_weight: float = Field(
        default=0.2, ge=0, description="added to a reward where the response ended by itself and kept to its mode"
    )


class SelectConfig(Config):
    """Which responses are kept: HiPO's rule, or another policy.

    HiPO's δ is not published; 0.15 is our default, and `fallback` our reading of an open case. A policy that has
    settings of its own has them under its name.
    """

    policy: PolicyName = Field(default="hipo", description="which method's rule to follow; see docs/policies.md")
    delta: float = Field(default=0.15, ge=0, le=1, description="think-on must raise the pass rate by more than this")
    rule: Literal["margin", "posterior"] = Field(
        default="margin",
        description="hipo: think-on where the measured gain is more than δ, or where the probability that the true one "
        "is more than δ is above one half, by what all problems of the run show; effort: the lowest arm within δ by "
        "measured rates, or the one that is most likely so by true ones",
    )
    random_fraction: float = Field(default=0.01, ge=0, le=1, description="share of problems that get a random mode")
    fallback: Literal["other_mode", "drop"] = Field(
        default="other_mode", description="when the preferred mode has no right response but the other one has"
    )
    min_graded: int = Field(
        default=1,
        ge=1,
        le=10_000,
        description="graded rollouts a mode needs for its pass rate to count; above 1, hipo leaves out a problem of "
        "which a mode has fewer",
    )
    leaking: Literal["keep", "refuse"] = Field(
        default="keep",
        description="refuse: think-off responses that think all the same, in tags or aloud, are never kept and count "
        "as unknown; keep: only those with tags are never kept, and all count",
    )
    exclude: Line | None = Field(
        default=None,
        description="a file of problems to leave out of the dataset, such as a run's flagged.jsonl by `hipo-data view`",
    )
    most: int | None = Field(
        default=None, ge=1, description="adaptthink and all-correct: keep so many responses a mode, shortest first"
    )
    thinkless: ThinklessPolicy = ThinklessPolicy()
    lhrm: LhrmPolicy = LhrmPolicy()
    preference: PreferencePolicy = PreferencePolicy()
    budget: BudgetPolicy = BudgetPolicy()
    groups: GroupsPolicy = GroupsPolicy()

    @model_validator(mode="after")
    def _rule_is_of_hipo(self) -> "SelectConfig":
        if self.by_posterior and self.policy not in ("hipo", "effort"):
            raise ValueError(
                f"rule is posterior, which is a rule of the policies hipo and effort, but policy is {self.policy}; "
                "set one of them"
            )
        return self

    @property
    def by_posterior(self) -> bool:
        """Whether a prior is fitted to the run's counts."""
        return self.rule == "posterior"

    @property
    def refuses_leaks(self) -> bool:
        """Whether think-off responses that think count as unknown."""
        return self.leaking == "refuse"

    def in_use(self) -> dict[str, Any]:
        """The settings that the policy reads: a change of any other one selects nothing anew."""
        shared = {"policy", "delta", "min_graded"}  # every decision says its δ
        few = {"too_few": "left_out"} if self.policy == "hipo" and self.min_graded > 1 else {}
        own = {
            "hipo": {"random_fraction", "fallback"},
            "adaptthink": {"most"},
            "all-correct": {"most"},
            "shortest": set[str](),
            "always-think": set[str](),
            "effort": {"fallback"},
        }.get(self.policy, {self.policy})
        # Left out at their defaults, so that work of before stays.
        said = {name for name, used in {"leaking": self.refuses_leaks, "rule": self.by_posterior}.items() if used}
        return self.model_dump(mode="json", include=shared | own | said) | few


class JustifyConfig(Config):
    """How the reason for the mode is written and checked."""

    template: Line = Field(default="justify", description="prompt template: a name in prompts/templates or a path")
    language: str = Field(
        default="en",
        pattern="^[a-z]{2,3}$",
        description="of justifications: `zh` takes the template `justify.zh` where template is `justify`",
    )
    max_attempts: int = Field(default=4, ge=1, le=1_000)
    min_chars: int = Field(default=20, ge=1)
    max_chars: int = Field(default=800, ge=1)

    @model_validator(mode="after")
    def _some_length_fits(self) -> "JustifyConfig":
        if self.min_chars > self.max_chars:
            raise ValueError(
                f"min_chars is {self.min_chars} and max_chars {self.max_chars}; make min_chars the smaller one"
            )
        return self

    @property
    def prompt(self) -> str:
        """Name or path of the template in the language; one given by its path is in that language already."""
        own = self.language == "en" or PurePath(self.template).suffix or len(PurePath(self.template).parts) > 1
        return self.template if own else f"{self.template}.{self.language}"


class PublishConfig(Config):
    """What the dataset looks like."""

    format: Literal["hipo", "thinkless", "lhrm", "adaptthink", "autothink", "qwen3", "arm"] = Field(
        default="hipo",
        description="how a response says its mode; hipo alone holds a justification",
    )
    title: str = "Hybrid-reasoning data"
    rows_per_file: int = Field(default=100_000, ge=1, le=10**12)
    mix: MixConfig | None = Field(
        default=None, description="how rows that think and rows that do not are mixed; default: all as they come"
    )
