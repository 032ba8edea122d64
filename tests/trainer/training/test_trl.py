"""The private methods of TRL that the RL trainer rests on are there; they are why TRL is capped."""

import inspect
import re
import tomllib
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from packaging.requirements import Requirement

PRIVATE = {
    "_tokenize_prompts": ["prompts"],
    "_generate_single_turn": ["prompt_ids", "images", "multimodal_fields", "num_generations"],
    "_calculate_rewards": ["inputs", "prompts", "completions", "completion_ids_list"],
    "_generate_and_score_completions": ["inputs"],
    "_prepare_inputs": ["generation_batch"],
    "_get_per_token_logps_and_entropies": ["model", "input_ids", "attention_mask", "logits_to_keep", "batch_size"],
}
"""Overridden or called, with their first parameters."""


@pytest.fixture(scope="module")
def theirs() -> Any:
    """TRL's trainer, whose import takes longer than all tests of this file, and which no other worker needs."""
    from trl import GRPOTrainer

    return GRPOTrainer


@pytest.fixture(scope="module")
def ours() -> Any:
    from hipo_data.trainer.training.mode_grpo import ModeGRPOTrainer

    return ModeGRPOTrainer


def missing(trainer: type) -> list[str]:
    """What is not as it was when `ModeGRPOTrainer` was written, a sentence each."""
    said = []
    for name, wanted in PRIVATE.items():
        method = getattr(trainer, name, None)
        found = list(inspect.signature(method).parameters)[1:] if method else []
        if found[: len(wanted)] != wanted:
            has = f"has {name}({', '.join(found)})" if method else f"has no {name}"
            said.append(
                f"TRL {version('trl')} {has}, and trainer/training/mode_grpo.py rests on {name}({', '.join(wanted)}): "
                "read what became of it, adapt that file, and only then raise the cap in pyproject.toml"
            )
    return said


def test_trl_has_the_private_methods_that_the_trainer_rests_on(theirs: Any) -> None:
    assert not missing(theirs), "\n".join(missing(theirs))


def test_every_method_of_trl_that_is_overridden_is_among_them(theirs: Any, ours: Any) -> None:
    private = {name for name in vars(ours) if name.startswith("_") and not name.startswith("__")}
    assert {name for name in private if callable(getattr(theirs, name, None))} <= set(PRIVATE)


@pytest.mark.parametrize("name", PRIVATE)
def test_one_that_is_gone_or_takes_something_else_is_named(theirs: Any, name: str) -> None:
    def changed(self: Any, batch: Any) -> None: ...

    kept = {each: getattr(theirs, each) for each in PRIVATE if each != name}
    (gone,) = missing(type("Later", (), kept))
    (other,) = missing(type("Later", (), {**kept, name: changed}))
    assert f"has no {name}, and" in gone and f"has {name}(batch), and" in other


def test_trl_is_capped_at_the_minor_version_that_was_tested(repo_root: Path) -> None:
    project = tomllib.loads((repo_root / "pyproject.toml").read_text())["project"]
    (asked,) = [r for r in map(Requirement, project["optional-dependencies"]["train"]) if r.name == "trl"]
    (tested,) = re.findall(r"^trl==(\d+)\.(\d+)\.", (repo_root / "constraints.txt").read_text(), re.MULTILINE)
    major, minor = map(int, tested)
    assert asked.specifier.contains(f"{major}.{minor}.9") and not asked.specifier.contains(f"{major}.{minor + 1}.0")


def test_progress_counts_sets_of_rollouts_and_not_the_optimisers_steps(ours: Any) -> None:
    """Four sets, each for two steps of the optimiser; the last evaluation comes after all eight."""

    def at(step: int) -> float:
        state, recipe = SimpleNamespace(global_step=step), SimpleNamespace(updates=2, steps=4)
        return float(ours._progress(SimpleNamespace(state=state, recipe=recipe)))

    assert [at(step) for step in (0, 2, 4, 6, 8)] == [0.25, 0.5, 0.75, 1.0, 1.0]
