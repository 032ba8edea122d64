"""The sandbox that the configuration names."""

from graders.sandbox.box import Box
from graders.sandbox.interface import Sandbox
from graders.sandbox.remote import RemoteBox
from schemas.grading import GradingConfig


def sandbox(config: GradingConfig) -> Sandbox:
    """A sandbox, not yet started."""
    return RemoteBox(config) if config.sandbox == "remote" else Box(config)
