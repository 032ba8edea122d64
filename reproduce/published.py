"""What HiPO's authors report, each against the model from which they began, which thinks always."""

from typing import Final, NamedTuple

SOURCE: Final = "HiPO, arXiv 2509.23967, table and model card"


class Published(NamedTuple):
    """One row of theirs, in their words of numbers; empty where they say nothing."""

    name: str
    accuracy: str
    tokens: str
    think_on: str


ROWS: Final = (
    Published("on/off data alone (model card of HiPO-8B)", "+4.0 %", "−10.8 %", "−22 %"),
    Published("GRPO (model card)", "+3.1 %", "", ""),
    Published("HiPO (model card)", "+6.2 %", "−30 %", "−39 %"),
    Published("HiPO (article)", "+6.3 %", "−30 %", "−37 %"),
)
