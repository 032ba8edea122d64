"""Of the plug-in for verl, what needs no verl: settings, reports, and what estimators refuse."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from hipo_data.prompts.formats.parts import Segment
from hipo_data.schemas.errors import UserError
from hipo_data.trainer.algorithms.rollouts import ModeCode
from hipo_data.trainer.verl.estimators import estimator
from hipo_data.trainer.verl.reports import Lent, Report, lent, parse_report, segments_of
from hipo_data.trainer.verl.reward import compute_score
from hipo_data.trainer.verl.settings import settings_of

ON, OFF = int(ModeCode.THINK_ON), int(ModeCode.THINK_OFF)
JUDGED = [(Segment.JUDGE, 2), (Segment.MODE, 1), (Segment.ANSWER, 1)]
RIGHT = Report(True, True, True, False, ON, 0, 0.5, JUDGED)
WRONG = Report(False, True, True, False, OFF, 0, 0.5, JUDGED)
MASK = torch.ones((3, 4), dtype=torch.int64)
REWARDS = torch.tensor([[0, 0, 0, 1.2], [0, 0, 0, 0.2], [0, 0, 0, 0.2]])


def estimated(name: str, reports: list[Report | None], mask: torch.Tensor = MASK, **settings: Any) -> torch.Tensor:
    with lent(Lent(reports, ["sums"] * len(reports))):
        advantages, _ = estimator(name)(
            token_level_rewards=REWARDS, response_mask=mask, index=["a"] * len(reports), config={"hipo_data": settings}
        )
    return advantages


def test_a_report_survives_its_journey() -> None:
    assert parse_report(RIGHT.dumps()) == RIGHT
    assert parse_report(replace(RIGHT, reference=None).dumps()).reference is None


def test_unknown_verdicts_and_padding_get_nothing_and_count_nowhere() -> None:
    two = estimated("hipo", [RIGHT, WRONG, replace(WRONG, known=False)])
    padded = estimated("hipo", [RIGHT, WRONG, None], torch.tensor([[1, 1, 1, 1], [1, 1, 1, 1], [0, 0, 0, 0]]))
    assert torch.equal(two, padded) and not two[2].any()
    assert two[0].tolist() == pytest.approx([0.5, 0.5, 0.5, 0.0])  # its mode's mean is half above the group's


def test_every_rollout_of_a_prompt_is_of_one_group_wherever_it_stands() -> None:
    with lent(Lent([RIGHT, WRONG, WRONG], ["sums"] * 3)) as loan:
        apart, _ = estimator("hipo")(
            token_level_rewards=REWARDS, response_mask=MASK, index=["a", "b", "a"], config={"hipo_data": None}
        )
    assert apart[0].any() and not apart[1].any() and apart[2].any()
    assert loan.figures == {}  # the prompts have two rollouts and one


def test_a_report_of_other_tokens() -> None:
    with pytest.raises(ValueError, match="rollout 1 has 4 tokens of its own, its report is of 3"):
        segments_of([RIGHT, replace(WRONG, segments=[(Segment.JUDGE, 3)]), WRONG], MASK)


def test_ada_grpo_takes_the_step_that_the_trainer_lends() -> None:
    """Three in think-on and one in think-off, all right but one: the rare one counts more until the last step."""
    reports: list[Report | None] = [RIGHT, replace(RIGHT, modes=OFF), RIGHT, replace(WRONG, modes=ON)]
    rewards, mask = torch.tensor([[0, 0, 0, 1.0]] * 3 + [[0, 0, 0, 0.0]]), torch.ones((4, 4), dtype=torch.int64)

    def found(progress: float | None) -> list[float]:
        with lent(Lent(reports, ["sums"] * 4, progress)):
            advantages, _ = estimator("ada_grpo")(
                token_level_rewards=rewards, response_mask=mask, index=["a"] * 4, config={"hipo_data": None}
            )
        return list(advantages[:, 0].tolist())

    early, last = found(0.5), found(1.0)
    assert early == pytest.approx([-0.0408, 1.2641, -0.0408, -1.1825], abs=1e-3) and last[0] == last[1]
    with pytest.raises(ValueError, match="pass progress"):
        found(None)


def test_adapt_prices_the_tag_of_think_on() -> None:
    found = estimated("adapt", [RIGHT, replace(RIGHT, modes=OFF), WRONG])
    assert found[0, 2] != found[0, 0] == found[0, 1] == found[0, 3]
    assert found[1].unique().numel() == found[2].unique().numel() == 1


def test_adaptthink_without_its_reference() -> None:
    reports: list[Report | None] = [RIGHT, replace(WRONG, reference=None), WRONG]
    with pytest.raises(UserError, match=r"no extra_info\.p_on, which is adaptthink's reference"):
        estimated("adaptthink", reports)
    dropped = estimated("adaptthink", reports, method={"without_reference": "drop"})
    assert not dropped[1].any() and dropped[2].any()


@pytest.mark.parametrize(
    ("name", "settings", "said"),
    [
        ("hipo", {"method": {"omgea": 1}}, "did you mean 'omega'?"),
        ("hipo", {"fromat": "hipo"}, "did you mean 'format'?"),
        ("hipo", {"format": "hippo"}, "there is no format 'hippo'"),
        ("hipo", {"method": {"clip": 0.3}}, "is verl's to set: use actor_rollout_ref.actor.clip_ratio"),
        ("hipo", {"method": {"type": "hgpo"}}, "algorithm.adv_estimator is hipo"),
        ("length_penalty", {}, "'method.reward' is missing"),
        ("hgpo", {"format": "qwen3"}, "hgpo forces modes"),
        ("adapt", {"method": {"target": 2}}, "'method.target': Input should be less than or equal to 1"),
        ("ada_grpo", {"format": "qwen3"}, "ada_grpo trains the model's choice"),
        ("hipo", {"format": "qwen3"}, "hipo trains the model's choice"),
        ("autothink", {"format": "qwen3"}, "autothink trains the model's choice"),
        ("hipo", "thinkless", "it holds keys such as format"),
    ],
)
def test_a_wrong_setting_is_named(name: str, settings: Any, said: str) -> None:
    with pytest.raises(UserError) as caught:
        settings_of({"adv_estimator": name, "hipo_data": settings})
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_a_gold_that_is_none_of_ours() -> None:
    with pytest.raises(UserError, match="problem p7 of sums has a ground_truth that is no gold"):
        compute_score("sums", "4", "4", {"problem_id": "p7"})
    with pytest.raises(UserError, match=r"reward_kwargs\.format is 'hippo'"):
        compute_score("sums", "4", '{"type": "math", "answers": ["4"]}', format="hippo")


@pytest.mark.parametrize(
    ("text", "enable_thinking", "well_formed", "think_on"),
    [
        ("It is 4.", None, 1, 0),  # the prompt of think-off holds the empty block
        ("It is 4.", False, 1, 0),
        ("It is 4.", True, 0, 0),
        ("<think>\nso\n</think>\n\nIt is 4.", None, 1, 1),
        ("<think>\nso\n</think>\n\nIt is 4.", True, 1, 1),
        ("<think>\nso\n</think>\n\nIt is 4.", False, 0, 0),  # it was not to think
        ("so\n</think>\n\nIt is 4.", True, 1, 1),  # the prompt opened the reasoning, as Qwen3.5's does
        ("<think>\n\n</think>\n\nIt is 4.", None, 1, 0),
        ("<think>\nso</think>It is 4.", None, 0, 0),
    ],
)
def test_a_response_in_the_qwen3_format_is_read_behind_its_prompt(
    text: str, enable_thinking: bool | None, well_formed: float, think_on: float
) -> None:
    gold = '{"type": "math", "answers": ["4"]}'
    found = compute_score("sums", text, gold, format="qwen3", enable_thinking=enable_thinking, sandbox="none")
    assert (found["acc"], found["well_formed"], found["think_on"]) == (1, well_formed, think_on)
    assert found["score"] == pytest.approx(1 + 0.2 * well_formed)
