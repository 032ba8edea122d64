"""Algorithms that force modes do not go with formats whose mode the user chooses."""

from hipo_data.prompts.formats.registry import FORMATS
from hipo_data.schemas.algorithm_config import FORCED, AlgorithmConfig
from hipo_data.schemas.records import Mode


def refuse_forced_switch(format_name: str, algorithm: AlgorithmConfig) -> None:
    """Raises `ValueError` where an algorithm would train what the prompt of a mode holds.

    A forced tag is a part of the completion, as the model is to learn to choose it. Where a switch in the chat template
    asks for the mode, the tag stands in the prompt of that mode; forced after the prompt of the other one, it would
    teach the model to do what it was not asked for.
    """
    if isinstance(algorithm, FORCED) and FORMATS[format_name].chat_template_kwargs(Mode.THINK_OFF):
        raise ValueError(
            f"{algorithm.type} forces modes to train the model's choice between them, and in the {format_name} format "
            "the user chooses by the chat template; take a format in which the model does, such as hipo"
        )
