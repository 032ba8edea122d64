"""Algorithms that train the choice of the mode do not go with formats whose mode the user chooses."""

from hipo_data.prompts.formats.registry import FORMATS
from hipo_data.schemas.algorithm_config import (
    FORCED,
    AdaGrpo,
    AlgorithmConfig,
    AutoThink,
    AutoThinkReward,
    Hipo,
    Thinkless,
    ThinklessReward,
)
from hipo_data.schemas.records import Mode

_CHOOSING = (Hipo, Thinkless, AutoThink, AdaGrpo)
"""The algorithms that act on the choice itself, and force none."""
_PRICING = (ThinklessReward, AutoThinkReward)
"""The rewards of which a right response gets more in one mode than in the other."""


def refuse_forced_switch(format_name: str, algorithm: AlgorithmConfig) -> None:
    """Raises `ValueError` where an algorithm would train what the prompt of a mode holds.

    A forced tag is a part of the completion, as the model is to learn to choose it. Where a switch in the chat template
    asks for the mode, the tag stands in the prompt of that mode; forced after the prompt of the other one, it would
    teach the model to do what it was not asked for. An advantage of the choice has nothing to act on there: all
    rollouts follow the prompt of think-on.
    """
    if not FORMATS[format_name].chat_template_kwargs(Mode.THINK_OFF):
        return
    switched = f"in the {format_name} format the user chooses by the chat template"
    if isinstance(algorithm, FORCED):
        raise ValueError(
            f"{algorithm.type} forces modes to train the model's choice between them, and {switched}; take a format in "
            "which the model does, such as hipo"
        )
    if isinstance(algorithm, _CHOOSING):
        raise ValueError(
            f"{algorithm.type} trains the model's choice between the modes, and {switched}, so that there is none to "
            "train; take a format in which the model chooses, such as hipo, or an algorithm without a choice: grpo, "
            "lcpo or length_penalty"
        )
    if isinstance(algorithm.reward, _PRICING):
        raise ValueError(
            f"reward.type: {algorithm.reward.type} pays for the mode that the model chooses, and {switched}; take a "
            "format in which the model does, such as hipo, or another reward, such as accuracy"
        )
