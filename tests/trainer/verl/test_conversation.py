"""Responses are read behind what verl's prompts end in, whichever switch of the chat template wrote it."""

from importlib import resources
from typing import Any

import pytest
import torch

from hipo_data.graders import Grader
from hipo_data.prompts.formats.registry import FORMATS
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.grading import GradingConfig
from hipo_data.trainer.algorithms.rollouts import ModeCode
from hipo_data.trainer.facts.scoring import Scorer
from hipo_data.trainer.training.tokenizer import load_tokenizer
from hipo_data.trainer.verl.conversation import conversation_of, end_ids_of, given_of
from hipo_data.trainer.verl.settings import settings_of
from tests.trainer.conftest import TEACHER

GOLD = '{"type": "math", "answers": ["4"]}'
ROW = {"problem_id": "p", "kind": "math", "question": "", "gold": GOLD, "p_on": None, "budget": 0}
EMPTY = "<think>\n\n</think>\n\n"
ANSWER = "It is 4."
THOUGHT = "<think>\nso\n</think>\n\nIt is 4."


class Node(dict[str, Any]):
    """A section of a config as verl has them: keys are attributes too."""

    __getattr__ = dict.__getitem__


def config_with(template: str, switch: dict[str, Any], style: str = "qwen3") -> Any:
    own = resources.files("trl") / "chat_templates" / f"{template}.jinja"
    return Node(
        algorithm={"adv_estimator": "grpo", "hipo_data": {"format": style, "allow_split_tags": True}},
        actor_rollout_ref=Node(model=Node(path=str(TEACHER), custom_chat_template=own.read_text())),
        data={"apply_chat_template_kwargs": switch},
    )


@pytest.mark.parametrize(
    ("template", "switch", "given", "text", "mode"),
    [
        ("qwen3", {"enable_thinking": False}, EMPTY, ANSWER, ModeCode.THINK_OFF),
        ("qwen3", {"enable_thinking": False}, EMPTY, THOUGHT, None),  # it was not to think
        ("qwen3", {"enable_thinking": True}, "", THOUGHT, ModeCode.THINK_ON),
        ("qwen3", {}, "", THOUGHT, ModeCode.THINK_ON),
        ("qwen3", {}, "", ANSWER, None),
        ("qwen3_5_think", {"enable_thinking": True}, "<think>\n", THOUGHT.removeprefix("<think>\n"), ModeCode.THINK_ON),
        ("qwen3_5_think", {"enable_thinking": False}, EMPTY, ANSWER, ModeCode.THINK_OFF),
    ],
)
def test_a_response_is_read_behind_its_prompt(
    template: str, switch: dict[str, Any], given: str, text: str, mode: ModeCode | None
) -> None:
    config = config_with(template, switch)
    tokenizer = load_tokenizer(str(TEACHER), "model", FORMATS["qwen3"])
    conversation = conversation_of(config, settings_of(config.algorithm), tokenizer)
    assert given_of(config, conversation) == given
    ends = end_ids_of(tokenizer, conversation)
    with Grader(GradingConfig(sandbox="none")) as grader:
        scorer = Scorer(conversation.format, tokenizer, ends, grader, given_of(config, conversation))
        facts, _ = scorer([ROW], [[*conversation.encode(text), conversation.end_id]], torch.device("cpu"))
    assert bool(facts.correct[0]) and bool(facts.well_formed[0]) is (mode is not None)
    if mode is not None:
        assert int(facts.modes[0]) == mode


def test_a_prompt_that_no_response_of_the_format_goes_on_is_refused() -> None:
    config = config_with("qwen3", {"enable_thinking": False}, style="adaptthink")
    tokenizer = load_tokenizer(str(TEACHER), "model", FORMATS["adaptthink"])
    with pytest.raises(UserError, match=r"ends prompts in '.*', and responses in the adaptthink format begin with"):
        conversation_of(config, settings_of(config.algorithm), tokenizer)
