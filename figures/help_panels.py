"""Under which heading of `hipo-data --help` a command stands, in the order of the work."""

from enum import StrEnum


class Panel(StrEnum):
    """What a command is for."""

    SET_UP = "Set up"
    RUN = "Run"
    LOOK = "Look into a run"
    SHIP = "Ship"
    TRAIN = "Train and measure"
