"""What each mode has to show of itself."""

from pydantic import Field

from hipo_data.schemas.config_node import Config


class CheckConfig(Config):
    """Limits that both modes keep, or the run stops: asked of a few questions before, and counted while it goes on.

    Nothing of this changes what a run makes. `check: null`, or `--no-check`, looks at nothing.
    """

    questions: int = Field(default=3, ge=0, le=64, description="asked in each mode before anything else; 0: none")
    off_reasoning: float = Field(
        default=0.2, ge=0, le=1, description="largest share of think-off rollouts that may hold reasoning"
    )
    on_plain: float = Field(
        default=0.5, ge=0, le=1, description="largest share of whole think-on rollouts that may hold none"
    )
    failed: float = Field(default=0.5, ge=0, le=1, description="largest share of a mode's requests that may fail")
    rollouts: int = Field(default=64, ge=1, description="of a mode, before its shares count in a run under way")
