"""The sandbox that the configuration names."""

from hipo_data.graders.sandbox.box import Box
from hipo_data.graders.sandbox.interface import Sandbox
from hipo_data.graders.sandbox.remote import RemoteBox
from hipo_data.schemas.grading import GradingConfig


def sandbox(config: GradingConfig) -> Sandbox:
    """A sandbox, not yet started."""
    return RemoteBox(config) if config.sandbox == "remote" else Box(config)
