"""What the graders are asked, and how they are set up."""

from typing import Literal

from pydantic import Field, model_validator

from hipo_data.schemas.config_node import Config
from hipo_data.schemas.gold import Gold
from hipo_data.schemas.records import Kind, Record


class GradeRequest(Record):
    """One response to grade. `response` is the text after the reasoning; graders still drop any `</think>` prefix."""

    id: str
    kind: Kind
    question: str
    gold: Gold
    response: str


class PseudoGoldConfig(Config):
    """When responses to a math problem without a gold agree well enough for their answer to stand in."""

    rule: Literal["esc", "adaptive_consistency"] = Field(
        default="esc", description="esc: a unanimous window; adaptive_consistency: a lead that is probably no accident"
    )
    window: int = Field(default=5, ge=2, le=10_000, description="esc: think-on responses that have to agree")
    confidence: float = Field(
        default=0.95, gt=0.5, lt=1, description="adaptive_consistency: how probably the first answer leads the second"
    )

    @property
    def needs(self) -> int:
        """Fewest responses that can settle it: `n` that agree lead with a probability of 1 - 2 ** -(n + 1)."""
        if self.rule == "esc":
            return self.window
        return next(n for n in range(1, 64) if 1 - 0.5 ** (n + 1) >= min(self.confidence, 1 - 0.5**53))


class GradingConfig(Config):
    """How answers are graded. All of it goes into the verify stage's fingerprint except `workers`."""

    workers: int = Field(default=1, ge=1, le=4_096, description="grading processes per verify task")
    math_timeout_s: float = Field(
        default=5.0, gt=0, le=86_400, description="outer deadline of one gold-answer pair, CPU seconds"
    )
    percent: Literal["asked", "always"] = Field(
        default="asked",
        description="when `50%` and 50 are one answer: asked: the gold has the sign or the question says percent; "
        "always: wherever one of them stands",
    )
    code_timeout_s: float = Field(default=6.0, gt=0, le=86_400, description="CPU seconds one test of a program may use")
    reference_factor: float = Field(
        default=4.0,
        ge=1,
        description="a program may use this many times the CPU time of its gold's reference, where that is more",
    )
    memory_mb: int = Field(default=1024, ge=64, le=2**24, description="address space of one program")
    sandbox: Literal["bubblewrap", "landlock", "remote", "none"] = Field(
        default="bubblewrap",
        description="isolation of programs; `landlock` is weaker and needs no user namespaces, `remote` is a service "
        "at `sandbox_url`; `none` runs them with resource limits alone and must be chosen on purpose",
    )
    sandbox_url: str | None = Field(
        default=None, description="a service that speaks SandboxFusion's protocol, such as http://localhost:8080"
    )

    @model_validator(mode="after")
    def _remote_has_an_address(self) -> "GradingConfig":
        if (self.sandbox == "remote") != (self.sandbox_url is not None):
            raise ValueError("'sandbox: remote' and 'sandbox_url' go together: give both or neither")
        return self


class VerifyConfig(GradingConfig):
    """How the rollouts of a run are graded."""

    pseudo_gold: PseudoGoldConfig | None = Field(
        default=None,
        description="keep math problems without a gold, and grade them by the answer that think-on responses agree "
        "on; null: refuse them",
    )
