"""What all nodes of the config tree have in common."""

from pydantic import BaseModel, ConfigDict


class Config(BaseModel):
    """Base of all config nodes: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)
