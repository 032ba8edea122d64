"""Advantages, rewards and weights match a plain-Python writing of their papers, on whatever batch, to 1e-6."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hipo_data.trainer.algorithms.ada_grpo import ada_grpo
from hipo_data.trainer.algorithms.adapt import adapt_reward, adapt_terms
from hipo_data.trainer.algorithms.adaptthink import adaptthink
from hipo_data.trainer.algorithms.autothink import autothink_balance_reward, autothink_length_reward, autothink_reward
from hipo_data.trainer.algorithms.dast import dast_budget, dast_reward
from hipo_data.trainer.algorithms.hgpo import hgpo_advantages, hgpo_terms
from hipo_data.trainer.algorithms.hipo import hipo_advantages, hipo_reward, hipo_terms
from hipo_data.trainer.algorithms.lcpo import lcpo_exact_reward, lcpo_max_reward
from hipo_data.trainer.algorithms.length_penalty import length_penalty_reward
from hipo_data.trainer.algorithms.o1_pruner import o1_pruner_weights
from hipo_data.trainer.algorithms.rollouts import Segment
from hipo_data.trainer.algorithms.thinkless import degrpo_weights, thinkless_reward
from tests.trainer.algorithms import reference
from tests.trainer.algorithms.batches import Batch, batches

near = pytest.approx


@given(batches(known=False), st.floats(0, 0.5), st.data())
@settings(deadline=None)
def test_adaptthink(batch: Batch, delta: float, data: st.DataObject) -> None:
    count = len(batch.rewards)
    references = data.draw(st.lists(st.sampled_from([0.0, 0.25, 0.8, 1.0]), min_size=count, max_size=count))
    found = adaptthink(
        batch.rewards, batch.modes, torch.tensor(references, dtype=torch.float32), known=batch.known, delta=delta
    )
    assert found.tolist() == near(reference.adaptthink(batch, references, delta), abs=1e-6)


@given(batches(known=False), st.floats(0, 1), st.sampled_from([0.0, 0.5, 1.0, 3.0]))
@settings(deadline=None, max_examples=40)
def test_adapt(batch: Batch, target: float, weight: float) -> None:
    short = replace(batch, lengths=batch.lengths % 40 + 1)
    found = adapt_terms(
        short.rewards, short.correct, short.groups, short.modes, short.lengths,
        known=short.known, target=target, choice_weight=weight,
    )  # fmt: skip
    choice, response = reference.adapt(short, target, weight)
    assert found.choice.tolist() == near(choice, rel=1e-5, abs=1e-5)
    assert found.response.tolist() == near(response, rel=1e-5, abs=1e-5)
    formed = batch.lengths > 2000
    pairs = zip(batch.correct.tolist(), formed.tolist(), strict=True)
    rewards = adapt_reward(batch.correct, formed, format_weight=target)
    assert rewards.tolist() == near([(ok + target) * well for ok, well in pairs], abs=1e-6)


@given(batches(known=False), st.floats(0, 1))
@settings(deadline=None)
def test_ada_grpo(batch: Batch, progress: float) -> None:
    found = ada_grpo(batch.rewards, batch.groups, batch.modes, progress=progress, known=batch.known)
    assert found.tolist() == near(reference.ada_grpo(batch, progress), abs=1e-5)


@given(batches(known=False), st.floats(0, 1), st.floats(0, 4), st.floats(0, 0.2), st.floats(0, 0.2))
@settings(deadline=None)
def test_autothink(batch: Batch, share: float, strength: float, alpha: float, beta: float) -> None:
    def expected(stage: int) -> list[float]:
        return reference.autothink(batch, stage, share, strength, alpha, beta)

    balanced = autothink_balance_reward(batch.correct, batch.modes, on_share=share, strength=strength)
    assert balanced.tolist() == near(expected(1), abs=1e-6)
    assert autothink_reward(batch.correct, batch.modes).tolist() == expected(2)
    shaped = autothink_length_reward(
        batch.correct, batch.modes, batch.lengths, batch.groups, known=batch.known, alpha=alpha, beta=beta
    )
    pairs = zip(shaped.tolist(), expected(3), batch.known.tolist(), strict=True)
    assert all(got == near(want, abs=1e-6) for got, want, known in pairs if known)


@given(batches(), st.floats(0, 1))
@settings(deadline=None)
def test_thinkless(batch: Batch, on_right: float) -> None:
    formed = batch.lengths > 2000
    found = thinkless_reward(batch.correct, formed, batch.modes, think_on_right=on_right)
    expected = reference.thinkless(batch.correct.tolist(), formed.tolist(), batch.modes.tolist(), on_right)
    assert found.tolist() == near(expected, abs=1e-6)


@given(batches(), st.sampled_from([0.001, 0.5]), st.sampled_from(["paper", "code"]))
@settings(deadline=None)
def test_degrpo(batch: Batch, alpha: float, average: str) -> None:
    found = degrpo_weights(batch.segments, alpha=alpha, average=average)  # type: ignore[arg-type]
    expected = reference.degrpo(batch.segments.tolist(), alpha, average)
    assert len(found) == len(expected)
    assert all(row.tolist() == near(want, abs=1e-6) for row, want in zip(found, expected, strict=True))


@given(batches(), st.floats(0, 0.01), st.floats(0, 1), st.integers(1, 4000))
@settings(deadline=None)
def test_budgets_and_prices(batch: Batch, alpha: float, delta: float, budget: int) -> None:
    right, lengths = batch.correct, batch.lengths
    budgets = torch.full_like(lengths, budget)
    plain = (right.tolist(), lengths.tolist(), budgets.tolist(), alpha)
    exact = lcpo_exact_reward(right, lengths, budgets, alpha=alpha).tolist()
    assert exact == near(reference.lcpo(*plain, None), rel=1e-6, abs=1e-6)
    most = lcpo_max_reward(right, lengths, budgets, alpha=alpha, delta=delta).tolist()
    assert most == near(reference.lcpo(*plain, delta), rel=1e-6, abs=1e-6)
    priced = [float(ok) - alpha * length for ok, length in zip(right.tolist(), lengths.tolist(), strict=True)]
    assert length_penalty_reward(right, lengths, beta=alpha).tolist() == near(priced, rel=1e-6, abs=1e-6)


@given(batches(known=False), st.sampled_from([4000, 9000]))
@settings(deadline=None)
def test_dast(batch: Batch, limit: int) -> None:
    budgets, rewards = reference.dast(batch, limit)
    found = dast_budget(batch.correct, batch.lengths, batch.groups, known=batch.known, max_tokens=limit)
    assert found.tolist() == near(budgets, rel=1e-6, abs=1e-6)
    # From float64: budgets are thousands of tokens, of which a float32 holds seven digits.
    against = torch.tensor(budgets, dtype=torch.float64)
    assert dast_reward(batch.correct, batch.lengths, against).tolist() == near(rewards, rel=1e-6, abs=1e-6)


@given(batches(known=False), st.floats(0, 4))
@settings(deadline=None)
def test_o1_pruner(batch: Batch, accuracy_weight: float) -> None:
    found = o1_pruner_weights(
        batch.correct, batch.lengths, batch.groups, known=batch.known, accuracy_weight=accuracy_weight
    )
    assert found.tolist() == near(reference.o1_pruner(batch, accuracy_weight), abs=1e-6)


@given(batches(known=False), st.floats(0, 1), st.floats(0, 2))
@settings(deadline=None)
def test_rewards_and_advantages_of_hipo_and_hgpo_on_tokens(batch: Batch, weight: float, alpha: float) -> None:
    formed = batch.lengths > 2000
    rewards = hipo_reward(batch.correct, formed, format_weight=weight)
    plain = [float(ok) + weight * well for ok, well in zip(batch.correct.tolist(), formed.tolist(), strict=True)]
    assert rewards.tolist() == near(plain, abs=1e-6)
    judge, answer = reference.hipo(batch, omega=0.01, gamma=0.3, judge_norm="mode")
    hipo = reference.on_parts(
        batch,
        [
            {Segment.JUDGE: j, Segment.MODE: j, Segment.REASONING: a, Segment.ANSWER: a}
            for j, a in zip(judge, answer, strict=True)
        ],
    )
    terms = hipo_terms(batch.rewards, batch.groups, batch.modes, known=batch.known)
    _same(hipo_advantages(terms, batch.segments), hipo)
    intra, inter = reference.hgpo(batch, delta=0.2)
    hgpo = reference.on_parts(
        batch,
        [
            {Segment.JUDGE: a, Segment.MODE: a + alpha * e, Segment.REASONING: a, Segment.ANSWER: a}
            for a, e in zip(intra, inter, strict=True)
        ],
    )
    prizes = hgpo_terms(batch.rewards, batch.groups, batch.modes, known=batch.known, delta=0.2)
    _same(hgpo_advantages(prizes, batch.segments, alpha=alpha), hgpo)


def _same(found: torch.Tensor, expected: list[list[float]]) -> None:
    assert len(found) == len(expected)
    assert all(row.tolist() == near(want, abs=1e-6) for row, want in zip(found, expected, strict=True))
