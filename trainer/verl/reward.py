"""verl's reward function: any run of verl may name it, whatever its estimator.

`reward.custom_reward_function.path=pkg://hipo_data.trainer.verl.reward`, with the name `compute_score`. It is given
the text of a response without its special tokens, and so cannot tell whether the limit of tokens cut it off; the
estimators of this plug-in come with `trainer.verl.reward_manager`, which sees the tokens.
"""

from functools import cache
from typing import Any

import torch

from hipo_data.graders import Grader
from hipo_data.prompts.formats.format import Format
from hipo_data.prompts.formats.parts import HybridResponse
from hipo_data.prompts.formats.reading import parsed
from hipo_data.prompts.formats.registry import FORMATS
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.gold import Gold, gold_in_row, kind_of
from hipo_data.schemas.grading import GradeRequest, GradingConfig
from hipo_data.schemas.records import Kind, Mode, Status
from hipo_data.trainer.algorithms.hipo import hipo_reward
from hipo_data.trainer.facts.scoring import read_gold


def compute_score(
    data_source: str,
    solution_str: str,
    ground_truth: str,
    extra_info: dict[str, Any] | None = None,
    *,
    format: str = "hipo",
    format_weight: float = 0.2,
    sandbox: str = "bubblewrap",
    workers: int = 1,
    enable_thinking: bool | None = None,
    **_: Any,
) -> dict[str, float]:
    """accuracy + format_weight · well-formed as `score`; `acc`, `unknown`, `well_formed`, `think_on` beside it.

    ground_truth, extra_info: as `hipo-data export --to verl-rl` writes them; the gold is `extra_info.gold` where it
    says one, else the ground truth. format, format_weight, sandbox, workers, enable_thinking: from
    `reward.custom_reward_function.reward_kwargs`. A verdict that is unknown scores as wrong, since verl wants a number;
    watch its share. Raises `UserError` where the gold is none of this project's.

    In a format whose mode the user chooses (`qwen3`), the prompt of think-off holds what tells it, and a response is
    the answer alone. enable_thinking: what `data.apply_chat_template_kwargs` says of it; null takes either response.
    """
    gold = gold_of(ground_truth, data_source, extra_info or {})
    if format not in FORMATS:
        raise UserError(f"reward_kwargs.format is '{format}'; choose {', '.join(FORMATS)}")
    response = _read(FORMATS[format], solution_str, enable_thinking)
    text = response.answer if response else solution_str
    request = GradeRequest(id="response", kind=Kind(kind_of(gold)), question="", gold=gold, response=text)
    status = _grader(sandbox, workers).grade([request])[0].status
    right, formed = torch.tensor([status is Status.CORRECT]), torch.tensor([response is not None])
    return {
        "score": float(hipo_reward(right, formed, format_weight=format_weight)),
        "acc": float(right),
        "unknown": float(status is Status.UNKNOWN),
        "well_formed": float(formed),
        "think_on": float(response is not None and response.mode.thinks),
    }


def _read(style: Format, text: str, enable_thinking: bool | None) -> HybridResponse | None:
    """A response behind what its prompt may have ended in, null where it is not in the format."""
    asked = {None: (Mode.THINK_ON, Mode.THINK_OFF), True: (Mode.THINK_ON,), False: (Mode.THINK_OFF,)}[enable_thinking]
    # Some templates, as Qwen3.5's, write all of a switched mode's start into its prompt.
    whole = [style.forced_prefix(mode) for mode in asked if style.chat_template_kwargs(mode)]
    starts = dict.fromkeys([*(style.given(mode) for mode in asked), *whole])
    return next((found for start in starts if (found := parsed(style, start + text)) is not None), None)


def gold_of(ground_truth: str, data_source: str, extra_info: dict[str, Any]) -> Gold:
    """The gold of a row that verl hands over. Raises `UserError`, which names the problem, where it is none."""
    named = f"problem {extra_info.get('problem_id', 'without id')} of {data_source}"
    return read_gold(
        gold_in_row(ground_truth, extra_info), named, "train on what `hipo-data export --to verl-rl` writes"
    )


@cache
def _grader(sandbox: str, workers: int) -> Grader:
    return Grader(GradingConfig.model_validate({"sandbox": sandbox, "workers": workers}))
