"""What holds for every reward, advantage and weight alike."""

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hipo_data.trainer import algorithms
from hipo_data.trainer.algorithms.ada_grpo import ada_grpo
from hipo_data.trainer.algorithms.adapt import adapt_advantages, adapt_reward, adapt_terms
from hipo_data.trainer.algorithms.adaptthink import adaptthink, adaptthink_old_logprobs
from hipo_data.trainer.algorithms.autothink import autothink_balance_reward, autothink_length_reward, autothink_reward
from hipo_data.trainer.algorithms.dast import dast_budget, dast_reward
from hipo_data.trainer.algorithms.grpo import grpo
from hipo_data.trainer.algorithms.hgpo import hgpo_advantages, hgpo_terms
from hipo_data.trainer.algorithms.hipo import hipo_advantages, hipo_reward, hipo_terms
from hipo_data.trainer.algorithms.lcpo import lcpo_exact_reward, lcpo_max_reward
from hipo_data.trainer.algorithms.length_penalty import length_penalty_reward
from hipo_data.trainer.algorithms.o1_pruner import o1_pruner_weights, standardised
from hipo_data.trainer.algorithms.thinkless import degrpo_weights, thinkless_reward
from tests.trainer.algorithms.batches import NO, ON, Batch, batches, segments_of

REFERENCE = 0.75


def reference(batch: Batch) -> torch.Tensor:
    return torch.full_like(batch.rewards, REFERENCE)


def hipo_tokens(batch: Batch) -> torch.Tensor:
    terms = hipo_terms(batch.rewards, batch.groups, batch.modes, known=batch.known, judge_norm="group")
    return hipo_advantages(terms, batch.segments)


def hgpo_tokens(batch: Batch) -> torch.Tensor:
    terms = hgpo_terms(batch.rewards, batch.groups, batch.modes, known=batch.known)
    return hgpo_advantages(terms, batch.segments)


def adapt_tokens(batch: Batch) -> torch.Tensor:
    terms = adapt_terms(batch.rewards, batch.correct, batch.groups, batch.modes, batch.lengths, known=batch.known)
    return adapt_advantages(terms, batch.segments)


def off_policy(batch: Batch) -> torch.Tensor:
    tagged = (batch.segments == 2).any(dim=1)
    modes = torch.where(tagged, batch.modes, int(NO))
    logprobs = -batch.rewards.unsqueeze(1).expand(batch.segments.shape)
    return adaptthink_old_logprobs(logprobs, modes, batch.segments)


def dast(batch: Batch) -> torch.Tensor:
    budgets = dast_budget(batch.correct, batch.lengths, batch.groups, max_tokens=4000, known=batch.known)
    return dast_reward(batch.correct, batch.lengths, budgets)


# By the name of the function; tokens where it ends in (B, T).
ALL: dict[str, Callable[[Batch], torch.Tensor]] = {
    "grpo": lambda b: grpo(b.rewards, b.groups, known=b.known),
    "grpo, no std": lambda b: grpo(b.rewards, b.groups, known=b.known, scale="none"),
    "hipo_advantages": hipo_tokens,
    "hgpo_advantages": hgpo_tokens,
    "adapt_advantages": adapt_tokens,
    "adapt_reward": lambda b: adapt_reward(b.correct, b.known),
    "ada_grpo": lambda b: ada_grpo(b.rewards, b.groups, b.modes, progress=0.25, known=b.known),
    "degrpo_weights, paper": lambda b: degrpo_weights(b.segments),
    "degrpo_weights, code": lambda b: degrpo_weights(b.segments, average="code"),
    "adaptthink": lambda b: adaptthink(b.rewards, b.modes, reference(b), known=b.known),
    "adaptthink_old_logprobs": off_policy,
    "o1_pruner_weights": lambda b: o1_pruner_weights(b.correct, b.lengths, b.groups, known=b.known),
    "standardised": lambda b: standardised(b.rewards, b.known),
    "hipo_reward": lambda b: hipo_reward(b.correct, b.known),
    "thinkless_reward": lambda b: thinkless_reward(b.correct, b.known, b.modes),
    "autothink_reward": lambda b: autothink_reward(b.correct, b.modes),
    "autothink_balance_reward": lambda b: autothink_balance_reward(b.correct, b.modes),
    "autothink_length_reward": lambda b: autothink_length_reward(
        b.correct, b.modes, b.lengths, b.groups, known=b.known
    ),
    "lcpo_exact_reward": lambda b: lcpo_exact_reward(b.correct, b.lengths, b.lengths.flip(0)),
    "lcpo_max_reward": lambda b: lcpo_max_reward(b.correct, b.lengths, b.lengths.flip(0)),
    "length_penalty_reward": lambda b: length_penalty_reward(b.correct, b.lengths, beta=1e-4),
    "dast": dast,
}
TOKENS = ("hipo_adv", "hgpo_adv", "adapt_adv", "degrpo")
IN_ORDER = [name for name in ALL if not name.startswith("lcpo")]  # the budgets above go by place

by_name = pytest.mark.parametrize("name", ALL)


def test_every_public_function_is_held_to_these_properties():
    """`dast_budget` and the `_terms` are reached through the functions that use them."""
    names = {name.split(",")[0] for name in ALL} | {
        "dast_budget",
        "dast_reward",
        "hipo_terms",
        "hgpo_terms",
        "adapt_terms",
    }
    methods = [
        importlib.import_module(f"{algorithms.__name__}.{found.name}")
        for found in pkgutil.iter_modules(algorithms.__path__)
        if found.name not in ("groups", "rollouts")
    ]
    public = {
        name
        for method in methods
        for name, function in inspect.getmembers(method, inspect.isfunction)
        if function.__module__ == method.__name__ and not name.startswith("_")
    }
    assert len(methods) > 8 and public == names - {"dast"}


@given(batches(known=False))
@settings(max_examples=50)
def test_results_are_finite_float32_of_the_right_shape(batch: Batch):
    """With absent modes, lone rollouts, equal rewards, no known verdict, and no rollout at all among the batches."""
    for name, function in ALL.items():
        result = function(batch)
        assert result.dtype == torch.float32, name
        assert torch.isfinite(result).all(), name
        per_token = name.startswith((*TOKENS, "adaptthink_old"))
        assert result.shape == (batch.segments.shape if per_token else batch.rewards.shape), name


@given(batches(known=False), st.randoms(use_true_random=False))
@settings(max_examples=50)
def test_the_order_of_the_rollouts_does_not_matter(batch: Batch, random):
    order = list(range(len(batch.rewards)))
    random.shuffle(order)
    index = torch.tensor(order, dtype=torch.int64)
    for name in IN_ORDER:
        assert torch.allclose(ALL[name](batch)[index], ALL[name](batch.reordered(index)), atol=1e-6), name


@given(batches(known=False))
@settings(max_examples=30)
def test_the_labels_of_the_groups_do_not_matter(batch: Batch):
    renamed = replace(batch, groups=-1000 * batch.groups)
    for name, function in ALL.items():
        assert torch.allclose(function(batch), function(renamed), atol=1e-6), name


@given(batches(known=False))
@settings(max_examples=30)
def test_padding_gets_nothing(batch: Batch):
    for name in ALL:
        if name.startswith(TOKENS):
            assert not ALL[name](batch)[batch.segments == 0].any(), name


@given(batches(known=False))
@settings(max_examples=30)
def test_half_precision_rewards_and_narrow_codes_are_taken(batch: Batch):
    """The result is that of the same rewards in float32, which hold more than bfloat16 does."""
    rounded = batch.rewards.to(torch.bfloat16)
    narrow = replace(
        batch,
        rewards=rounded,
        modes=batch.modes.to(torch.int8),
        segments=batch.segments.to(torch.uint8),
        correct=batch.correct.to(torch.bfloat16),
        lengths=batch.lengths.to(torch.int32),
    )
    plain = replace(batch, rewards=rounded.float())
    for name, function in ALL.items():
        assert torch.equal(function(narrow), function(plain)), name


@by_name
def test_no_gradient_flows_and_no_input_is_changed(name):
    batch = Batch(
        rewards=torch.tensor([1.0, 0.0, 0.2, 1.2], requires_grad=True),
        correct=torch.tensor([1.0, 0.0, 0.0, 1.0], requires_grad=True),
        lengths=torch.tensor([10.0, 20.0, 30.0, 40.0], requires_grad=True),
        groups=torch.tensor([0, 0, 0, 0]),
        modes=torch.tensor([1, 1, 0, 0]),
        known=torch.tensor([True] * 4),
        segments=segments_of("jmra", "jmr.", "ma..", "jma."),
    )
    before = {field: value.clone() for field, value in vars(batch).items()}
    assert not ALL[name](batch).requires_grad
    assert all(torch.equal(value, before[field]) for field, value in vars(batch).items())


@pytest.mark.parametrize("reward", [0.0, 1.0, 1.2])
def test_a_group_in_one_mode_that_is_all_right_or_all_wrong_teaches_nothing(reward):
    count = 7
    batch = Batch(
        rewards=torch.full((count,), reward),
        correct=torch.full((count,), reward > 0.5),
        lengths=torch.arange(1, count + 1),
        groups=torch.zeros(count, dtype=torch.int64),
        modes=torch.full((count,), int(ON)),
        known=torch.ones(count, dtype=torch.bool),
        segments=segments_of(*["jmra"] * count),
    )
    for name in ("grpo", "grpo, no std", "ada_grpo", "hipo_advantages", "hgpo_advantages", "adapt_advantages"):
        assert not ALL[name](batch).any(), name


def test_a_lone_rollout_teaches_nothing():
    batch = Batch(
        rewards=torch.tensor([1.0, 0.0]),
        correct=torch.tensor([True, False]),
        lengths=torch.tensor([5, 5]),
        groups=torch.tensor([0, 1]),
        modes=torch.tensor([1, 0]),
        known=torch.tensor([True, True]),
        segments=segments_of("jmra", "jma."),
    )
    for name in ("grpo", "grpo, no std", "ada_grpo", "hipo_advantages", "hgpo_advantages", "adapt_advantages"):
        assert not ALL[name](batch).any(), name
