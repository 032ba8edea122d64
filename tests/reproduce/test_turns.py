"""Models are trained seed by seed, and none before what it begins from."""

from concurrent.futures import Future
from pathlib import Path

import pytest

from hipo_data.reproduce.config import Arm
from hipo_data.reproduce.measuring import Model
from hipo_data.reproduce.plan import Training
from hipo_data.reproduce.turns import by_seed, train_in_turn
from hipo_data.schemas.algorithm_config import Grpo


def training(name: str, seed: int, start: str | None = None) -> Training:
    folder = Path(f"{name}-{seed}")
    arm = Arm(start=start or name, algorithm=Grpo(type="grpo") if start else None)
    begins = Path(f"{start}-{seed}") / "model" if start else Path("teacher")
    return Training(name, arm, seed, folder.name, "made", folder, begins)


PLANNED = [
    *(training(name, seed) for name in ("a", "b") for seed in (1, 2)),
    *(training(name, seed, "b") for name in ("grpo", "hipo") for seed in (1, 2)),
]


class Workers:
    """Takes trainings, and ends them one at a time, in the order that is asked for."""

    def __init__(self, ends: list[str]) -> None:
        self.ends, self.running, self.took = ends, dict[str, Future[Model]](), list[str]()
        self.most = 0

    def submit(self, training: Training) -> Future[Model]:
        future: Future[Model] = Future()
        self.took.append(training.step)
        self.running[training.step] = future
        self.most = max(self.most, len(self.running))
        self._end()
        return future

    def trained(self, training: Training, model: Model) -> None:
        assert model == {"model": training.step}
        self._end()

    def _end(self) -> None:
        if self.ends and self.ends[0] in self.running:
            step = self.ends.pop(0)
            self.running.pop(step).set_result({"model": step})


def test_seeds_come_one_after_the_other_and_their_cold_starts_first() -> None:
    assert [each.step for each in by_seed(PLANNED)] == [
        "a-1", "b-1", "grpo-1", "hipo-1", "a-2", "b-2", "grpo-2", "hipo-2",
    ]  # fmt: skip


def test_an_arm_waits_for_its_cold_start_and_other_seeds_do_not() -> None:
    workers = Workers(["a-1", "a-2", "b-1", "grpo-1", "hipo-1", "b-2", "grpo-2", "hipo-2"])
    train_in_turn(PLANNED, 2, workers.submit, workers.trained)
    # While b-1 is trained, the arms of seed 1 have to wait: the other worker takes what is next.
    assert workers.took == ["a-1", "b-1", "a-2", "b-2", "grpo-1", "hipo-1", "grpo-2", "hipo-2"]
    assert workers.most == 2


def test_what_was_trained_before_is_not_waited_for() -> None:
    workers = Workers(["hipo-1", "grpo-1"])
    train_in_turn([training(name, 1, "b") for name in ("grpo", "hipo")], 2, workers.submit, workers.trained)
    assert workers.took == ["grpo-1", "hipo-1"]


def test_a_training_that_fails_ends_them_all() -> None:
    def submit(each: Training) -> Future[Model]:
        future: Future[Model] = Future()
        future.set_exception(RuntimeError(each.step))
        return future

    with pytest.raises(RuntimeError, match="a-1"):
        train_in_turn(PLANNED, 1, submit, lambda *_: None)
