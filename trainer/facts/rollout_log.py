"""The figures of a step, by family of problems: what tells whether a run learns to choose, or has collapsed."""

from collections.abc import Sequence

import torch

from hipo_data.trainer.algorithms.rollouts import ModeCode
from hipo_data.trainer.facts.scoring import Facts
from hipo_data.trainer.facts.shaping import Values, without_signal

ALL = "all"


def step_figures(facts: Facts, values: Values, families: Sequence[str], group: int) -> dict[str, float]:
    """Figures under `<family>/<name>`, and of all problems under `all/<name>`; NaN where there is nothing to count.

    families: the family of each rollout. group: rollouts a prompt; those of a prompt stand together.

    think_on             share of think-on among the rollouts that have a mode
    accuracy, _on, _off  share of right answers among the graded rollouts, and among those of one mode
    both_modes           share of groups with rollouts in both modes
    bias_fired           groups in which HiPO's bias raised think-off
    no_signal            share of groups of which no rollout has an advantage
    tokens               mean tokens of a completion
    well_formed, truncated, unknown   shares of rollouts
    """
    figures: dict[str, float] = {}
    for family in [ALL, *sorted(set(families))]:
        rows = torch.tensor([family in (ALL, name) for name in families], device=facts.modes.device)
        for name, value in _figures(facts, values, rows, group).items():
            figures[f"{family}/{name}"] = value
    return figures


def _figures(facts: Facts, values: Values, rows: torch.Tensor, group: int) -> dict[str, float]:
    on, off = facts.modes == ModeCode.THINK_ON, facts.modes == ModeCode.THINK_OFF
    here = rows.view(-1, group)[:, 0]
    both = (on.view(-1, group).any(dim=1) & off.view(-1, group).any(dim=1))[here]
    silent = without_signal(values).view(-1, group).all(dim=1)[here]
    figures = {
        "think_on": _share(on, rows & (on | off)),
        "accuracy": _share(facts.correct, rows & facts.known),
        "accuracy_on": _share(facts.correct, rows & facts.known & on),
        "accuracy_off": _share(facts.correct, rows & facts.known & off),
        "both_modes": float(both.float().mean()),
        "no_signal": float(silent.float().mean()),
        "tokens": float(facts.lengths[rows].float().mean()),
        "well_formed": _share(facts.well_formed, rows),
        "truncated": _share(facts.truncated, rows),
        "unknown": _share(~facts.known, rows),
    }
    if "bias" in values:
        figures["bias_fired"] = float((values["bias"] > 0).view(-1, group).any(dim=1)[here].sum())
    return figures


def _share(values: torch.Tensor, among: torch.Tensor) -> float:
    return float(values[among].float().mean())  # NaN where there is none
