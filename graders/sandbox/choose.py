"""The sandbox that the configuration names."""

from hipo_data.graders.sandbox.box import Box
from hipo_data.graders.sandbox.interface import Sandbox
from hipo_data.schemas.grading import GradingConfig


def sandbox(config: GradingConfig) -> Sandbox:
    """A sandbox, not yet started."""
    if config.sandbox == "remote":
        from hipo_data.graders.sandbox.remote import RemoteBox  # its HTTP client is loaded where it is used

        return RemoteBox(config)
    return Box(config)
