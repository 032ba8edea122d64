"""The recipe's algorithm and reward reach the tokens as the papers have them."""

from typing import Any

import pytest
import torch
from pydantic import TypeAdapter

from hipo_data.schemas.algorithm_config import AlgorithmConfig
from hipo_data.trainer.facts.rollout_log import step_figures
from hipo_data.trainer.facts.scoring import Facts
from hipo_data.trainer.facts.shaping import loss_type, rewards_of, token_advantages, values_of, without_signal
from tests.trainer.algorithms.batches import NO, OFF, ON, segments_of

SEGMENTS = segments_of("jmrra", "jma..", "jmraa", "jmaa.")
GROUPS = torch.tensor([0, 0, 0, 0])


def algorithm(**settings: Any) -> Any:
    return TypeAdapter(AlgorithmConfig).validate_python(settings)


def facts(correct: list[int], modes: list[int], **changes: Any) -> Facts:
    count = len(correct)
    columns = {
        "correct": torch.tensor(correct, dtype=torch.bool),
        "known": torch.ones(count, dtype=torch.bool),
        "well_formed": torch.ones(count, dtype=torch.bool),
        "truncated": torch.zeros(count, dtype=torch.bool),
        "modes": torch.tensor([int(mode) for mode in modes]),
        "lengths": torch.tensor([5, 3, 5, 4])[:count],
        "budgets": torch.zeros(count, dtype=torch.int64),
        "reference": torch.full((count,), 0.75),
    }
    return Facts(**{**columns, **changes})


def advantages(config: Any, found: Facts) -> torch.Tensor:
    rewards = rewards_of(config.reward, found, GROUPS)
    return token_advantages(config, values_of(config, rewards, GROUPS, found), SEGMENTS)


MIXED = facts([1, 1, 0, 0], [ON, OFF, ON, OFF])


def test_hipo_gives_the_judge_and_the_answer_their_own_advantage() -> None:
    """Rewards 1.2, 1.2, 0.2, 0.2: both modes have mean 0.7 = mean(r), the bias 0.007 acts, z = ±0.5 / 0.707207."""
    found = advantages(algorithm(type="hipo"), MIXED)
    z = 0.5 / (0.5**0.5 + 1e-4)
    assert found[0].tolist() == pytest.approx([0.3 * z, 0.3 * z, z, z, z])
    assert found[1].tolist() == pytest.approx([0.007 + 0.3 * z, 0.007 + 0.3 * z, z, 0, 0])
    assert found[2].tolist() == pytest.approx([-0.3 * z, -0.3 * z, -z, -z, -z])


def test_grpo_gives_all_tokens_the_same() -> None:
    found = advantages(algorithm(type="grpo"), MIXED)
    z = 0.5 / ((1 / 3) ** 0.5 + 1e-4)
    assert found[0].tolist() == pytest.approx([z] * 5)
    assert found[1].tolist() == pytest.approx([z] * 3 + [0, 0])
    assert found[3].tolist() == pytest.approx([-z] * 4 + [0])


def test_hgpo_adds_the_prize_of_the_mode_on_its_tag() -> None:
    """Think-on is right twice, think-off never: on wins the mode; every on is the best, and so is every off."""
    found = advantages(algorithm(type="hgpo", alpha=2.0), facts([1, 0, 1, 0], [ON, OFF, ON, OFF]))
    z = 0.5 / ((1 / 3) ** 0.5 + 1e-4)
    assert found[0].tolist() == pytest.approx([0, 2 * z, 0, 0, 0])
    assert found[1].tolist() == pytest.approx([0, -2 * z, 0, 0, 0])


def test_adaptthink_measures_against_the_reference() -> None:
    found = advantages(algorithm(type="adaptthink"), MIXED)
    assert [row[0] for row in found.tolist()] == pytest.approx([0.25, 0.3, -0.75, -0.7])


def test_adapt_prices_thinking_on_its_tag_alone() -> None:
    """p_off = p_on = ½: R = 0, and with 0 as target ¼. Rewards 1.8, 1.8, 0.8, 0.8 on 5, 3, 5 and 4 tokens."""
    plain = advantages(algorithm(type="adapt"), MIXED)
    priced = advantages(algorithm(type="adapt", target=0.0), MIXED)
    assert plain[0].unique().numel() == 1
    assert priced[0, 1] < priced[0, 0] == priced[0, 2] and priced[2, 1] < priced[2, 0]
    assert priced[1, 0] == priced[1, 1] == priced[1, 2] and not priced[1, 3:].any()
    assert torch.equal(advantages(algorithm(type="adapt", target=0.0, choice_weight=0.0), MIXED), plain)


def test_ada_grpo_counts_the_rare_mode_more_at_first_and_alike_at_last() -> None:
    config, found = algorithm(type="ada_grpo"), facts([1, 1, 0, 1], [ON, ON, ON, OFF])
    rewards = rewards_of(config.reward, found, GROUPS)
    half, last = (values_of(config, rewards, GROUPS, found, progress)["advantage"] for progress in (0.5, 1.0))
    assert half[3].item() == pytest.approx(1.264165, abs=1e-3) and half[3] > half[0]
    assert last.tolist() == pytest.approx([0.5, 0.5, -1.5, 0.5], abs=1e-3)
    with pytest.raises(ValueError, match="depends on the step; pass progress"):
        values_of(config, rewards, GROUPS, found)


@pytest.mark.parametrize("form", ["paper", "code"])
def test_degrpo_weighs_the_control_token_apart_in_the_loss_that_trl_takes(form: str) -> None:
    """TRL averages over the tokens of a response and over responses; Σ w · L of the paper has to come out."""
    config = algorithm(type="thinkless", alpha=0.01, form=form)
    assert loss_type(config) == "grpo"
    losses = torch.arange(1.0, 21.0).view(4, 5)  # what a unit of advantage costs on each token
    taken = advantages(config, MIXED) * losses
    mask = SEGMENTS != 0
    by_trl = ((taken * mask).sum(-1) / mask.sum(-1)).mean()

    rewards = [0.5, 1.0, -1.0, -1.0]  # on right, off right, both wrong
    values = [reward - sum(rewards) / 4 for reward in rewards]
    control, response = [], []
    for row, value in zip(range(4), values, strict=True):
        others = [value * losses[row, t].item() for t in range(5) if mask[row, t] and t != 1]
        control.append(value * losses[row, 1].item())
        response.append(others)
    if form == "paper":
        expected = sum(0.01 * c + sum(o) / len(o) for c, o in zip(control, response, strict=True)) / 4
    else:
        flat = [loss for others in response for loss in others]
        expected = 0.01 * sum(control) / 4 + sum(flat) / len(flat)
    assert by_trl.item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("reward", "expected"),
    [
        ({"type": "accuracy", "format_weight": 0.5}, [1.5, 1.5, 0.5, 0.5]),
        ({"type": "thinkless", "think_on_right": 0.7}, [0.7, 1.0, -1.0, -1.0]),
        ({"type": "autothink", "stage": 2}, [1.0, 2.0, 0.0, -1.0]),
        ({"type": "autothink", "stage": 1, "on_share": 0.25}, [0.5, 1.5, -0.5, -1.5]),
        ({"type": "lcpo", "alpha": 0.1}, [0.5, 0.7, -0.5, -0.4]),
        ({"type": "lcpo", "form": "max", "alpha": 0.1, "delta": 0.6}, [0.1, 0.3, 0.0, 0.0]),
        ({"type": "adapt", "format_weight": 0.5}, [1.5, 1.5, 0.5, 0.5]),
        ({"type": "length_penalty", "beta": 0.1}, [0.5, 0.7, -0.5, -0.4]),
    ],
)
def test_every_reward_can_be_chosen(reward: dict[str, Any], expected: list[float]) -> None:
    config = algorithm(type="grpo", reward=reward)
    assert rewards_of(config.reward, MIXED, GROUPS).tolist() == pytest.approx(expected)


def test_autothinks_last_stage_prefers_the_short_of_the_right() -> None:
    config = algorithm(type="autothink", reward={"type": "autothink", "stage": 3})
    short, long = rewards_of(config.reward, facts([1, 1], [ON, ON], lengths=torch.tensor([3, 9])), GROUPS[:2]).tolist()
    assert long < 1 < short


def test_unknown_verdicts_teach_nothing_and_count_in_no_mean() -> None:
    unknown = facts([1, 0, 0, 0], [ON, OFF, ON, OFF], known=torch.tensor([True, False, True, True]))
    found = advantages(algorithm(type="grpo"), unknown)
    assert found[1].tolist() == [0] * 5
    assert found[0, 0].item() == pytest.approx((1 - 1 / 3) / ((1 / 3) ** 0.5 + 1e-4))


def test_rewards_that_are_not_numbers_stop_the_step() -> None:
    with pytest.raises(ValueError, match=r"rewards\[2\] is nan"):
        values_of(algorithm(type="grpo"), torch.tensor([0.0, 1.0, float("nan"), 0.0]), GROUPS, MIXED)


@pytest.mark.parametrize("name", ["hipo", "grpo", "hgpo", "thinkless", "adapt"])
def test_a_group_without_one_mode_gives_finite_advantages(name: str) -> None:
    assert advantages(algorithm(type=name), facts([1, 0, 1, 0], [ON] * 4)).isfinite().all()


def test_figures_by_family_count_what_they_say() -> None:
    found = facts([1, 1, 0, 0], [ON, OFF, ON, NO], truncated=torch.tensor([False, False, False, True]))
    config = algorithm(type="hipo")
    groups = torch.tensor([0, 0, 1, 1])
    values = values_of(config, rewards_of(config.reward, found, groups), groups, found)
    figures = step_figures(found, values, ["easy", "easy", "hard", "hard"], group=2)
    assert figures["all/think_on"] == pytest.approx(2 / 3)
    assert figures["easy/both_modes"] == 1 and figures["hard/both_modes"] == 0
    assert figures["easy/bias_fired"] == 1 and figures["all/bias_fired"] == 1
    assert figures["all/accuracy_on"] == 0.5 and figures["easy/accuracy_off"] == 1
    assert figures["hard/truncated"] == 0.5 and figures["easy/tokens"] == 4
    assert figures["hard/no_signal"] == 1 and figures["easy/no_signal"] == 0
    assert figures["hard/accuracy_off"] != figures["hard/accuracy_off"]  # nothing to count: NaN


def test_a_group_of_equal_rewards_is_without_signal() -> None:
    config = algorithm(type="grpo")
    values = values_of(config, torch.tensor([1.0, 1.0, 1.0, 1.0]), GROUPS, MIXED)
    assert without_signal(values).all()


def test_weighted_loss_is_a_weighted_sum_over_the_count_of_tokens() -> None:
    from hipo_data.trainer.training.weighted_sft import weighted_loss

    torch.manual_seed(0)
    logits, labels = torch.randn(2, 4, 5), torch.tensor([[-100, 1, 2, 3], [-100, -100, 4, 0]])
    weights = torch.tensor([[0, 2.0, 0.5, 1.0], [0, 0, 3.0, 0.0]])
    by_hand = 0.0
    for row in range(2):
        for at in range(1, 4):
            if labels[row, at] != -100:
                logp = logits[row, at - 1].log_softmax(0)[labels[row, at]]
                by_hand -= float(weights[row, at] * logp)
    assert weighted_loss(logits, labels, weights, None).item() == pytest.approx(by_hand / 5)
    assert weighted_loss(logits, labels, weights, 10).item() == pytest.approx(by_hand / 10)
