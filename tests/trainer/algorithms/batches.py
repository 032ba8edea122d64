"""Batches of rollouts as hypothesis draws them, and as tests write them down."""

from dataclasses import dataclass, replace

import torch
from hypothesis import strategies as st

from hipo_data.trainer.algorithms.rollouts import ModeCode, Segment

OFF, ON, NO = ModeCode.THINK_OFF, ModeCode.THINK_ON, ModeCode.NONE
LETTERS = {"j": Segment.JUDGE, "m": Segment.MODE, "r": Segment.REASONING, "a": Segment.ANSWER, ".": Segment.NONE}


def segments_of(*rows: str) -> torch.Tensor:
    """`segments_of("jmra", "jma.")`: one letter a token, a dot for padding."""
    return torch.tensor([[int(LETTERS[letter]) for letter in row] for row in rows])


@dataclass(frozen=True)
class Batch:
    rewards: torch.Tensor
    correct: torch.Tensor
    lengths: torch.Tensor
    groups: torch.Tensor
    modes: torch.Tensor
    known: torch.Tensor
    segments: torch.Tensor

    def reordered(self, order: torch.Tensor) -> "Batch":
        return replace(self, **{name: value[order] for name, value in vars(self).items()})


@st.composite
def batches(draw: st.DrawFn, known: bool = True, modes: tuple[ModeCode, ...] = (OFF, ON, NO)) -> Batch:
    """Up to four interleaved groups of up to six rollouts: absent modes, lone rollouts and equal rewards occur often.

    `known` says whether every verdict is known.
    """
    groups = draw(st.permutations([label for label in range(4) for _ in range(draw(st.integers(0, 6)))]))
    count = len(groups)

    def column(values: st.SearchStrategy[object]) -> list[object]:
        return draw(st.lists(values, min_size=count, max_size=count))

    rows = column(st.sampled_from(["jjmrraa", "jma....", "mra....", "mmaaaaa", "jjj....", "a......", "......."]))
    return Batch(
        rewards=torch.tensor(column(st.sampled_from([0.0, 0.2, 1.0, 1.2])), dtype=torch.float32),
        correct=torch.tensor(column(st.booleans()), dtype=torch.bool),
        lengths=torch.tensor(column(st.integers(1, 4000)), dtype=torch.int64),
        groups=torch.tensor(groups, dtype=torch.int64) * 7 - 3,
        modes=torch.tensor([int(mode) for mode in column(st.sampled_from(modes))], dtype=torch.int64),
        known=torch.tensor(column(st.just(True) if known else st.booleans()), dtype=torch.bool),
        segments=segments_of(*map(str, rows)) if rows else torch.zeros((0, 7), dtype=torch.int64),
    )
