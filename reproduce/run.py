"""Runs a comparison: what is not made yet, round by round, and the page.

The workers import what they are sent from here: from a package's `__main__` they could not.
"""

import os
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from hipo_data.pipeline.doctor.finding import State
from hipo_data.pipeline.doctor.machine import memory
from hipo_data.reproduce import room
from hipo_data.reproduce.ceiling import Ceiling, too_little
from hipo_data.reproduce.children import end_with_parent
from hipo_data.reproduce.config import ReproduceConfig
from hipo_data.reproduce.kept import keep, kept, outdated
from hipo_data.reproduce.measuring import Model, Results
from hipo_data.reproduce.page import write_page
from hipo_data.reproduce.plan import (
    Training,
    fingerprint_of_ceiling,
    fingerprint_of_data,
    fingerprint_of_problems,
    rounds,
    starts_of,
    trainings,
)
from hipo_data.reproduce.steps import (
    check_starts,
    cold_start,
    make_data,
    make_problems,
    train_arm,
    write_hybrid,
)
from hipo_data.reproduce.teacher import find_ceiling
from hipo_data.reproduce.turns import train_in_turn
from hipo_data.schemas.errors import UserError


def reproduce(
    config: ReproduceConfig, say: Callable[[str], None] = print, *, more: bool = False, anyway: bool = False
) -> Path:
    """Makes what is not made yet, and returns the page.

    Args:
        config: the comparison.
        say: takes a line of progress.
        more: the second round as well.
        anyway: train where the mix leaves less room than the config asks for, too.

    Raises `UserError` where a step fails, a start cannot be made, or the mix leaves too little room.
    """
    check_starts(config)
    for line in too_small(config.jobs):
        say(line)
    steps = Path(config.output) / "steps"
    made = fingerprint_of_problems(config)
    say(f"problems: {keep(steps, 'problems', made, lambda: make_problems(config))}")
    write_hybrid(config)
    with ProcessPoolExecutor(config.jobs, mp_context=get_context("spawn"), initializer=end_with_parent) as pool:
        for number, arms in enumerate(rounds(config, more)):
            for name in dict.fromkeys([config.rl.problems_of, *starts_of(config, arms)]):
                make = partial(make_data, config, name)
                say(f"data {name}: {keep(steps, f'data-{name}', fingerprint_of_data(config, name), make)}")
            if number == 0:
                _insist_on_room(config, say, anyway)
            planned = trainings(config, arms)
            _say_outdated(steps, planned, say)
            missing = []
            for training in planned:
                done = kept(steps, training.step, training.fingerprint)
                if done is None:
                    missing.append(training)
                else:
                    _say_figures(training, done, say)

            def submit(training: Training) -> Future[Model]:
                return pool.submit(_trained, config, training)

            train_in_turn(missing, config.jobs, submit, partial(_say_figures, say=say))
            page_of(config)
    return Path(config.page)


def page_of(config: ReproduceConfig) -> Path:
    """Writes the page from the models of both rounds that are trained and evaluated, with these settings.

    Raises `UserError` where there are none.
    """
    steps = Path(config.output) / "steps"
    results: Results = {}
    for arms in rounds(config):
        for training in trainings(config, arms):
            found = kept(steps, training.step, training.fingerprint)
            if found is not None:
                results.setdefault(training.name, {})[training.seed] = found
    if config.starts[next(iter(config.starts))].title not in results:
        raise UserError(f"{steps} holds no first cold start with these settings; run without --page first")
    ceiling = kept(steps, "ceiling", fingerprint_of_ceiling(config))
    return write_page(config, results, None if ceiling is None else Ceiling.model_validate(ceiling))


def too_small(jobs: int) -> list[str]:
    """A sentence on each thing that this machine has too little of."""
    said = [f"{each.name}: {each.detail}" for each in memory() if each.state is not State.OK]
    cores = len(os.sched_getaffinity(0))
    if cores < jobs:
        said.append(f"jobs is {jobs}, and this process may use {cores} of the machine's cores; give --set jobs={cores}")
    return said


def _insist_on_room(config: ReproduceConfig, say: Callable[[str], None], anyway: bool) -> None:
    """Says what the mix leaves. Raises `UserError` where that is less than the config asks for, unless `anyway`."""
    steps, made = Path(config.output) / "steps", fingerprint_of_ceiling(config)
    found = Ceiling.model_validate(keep(steps, "ceiling", made, lambda: find_ceiling(config).model_dump()))
    for line in room.lines(found):
        say(line)
    lacking = too_little(found, config.room) if config.room else None
    if lacking and not anyway:
        raise UserError(lacking)


def _say_outdated(steps: Path, planned: list[Training], say: Callable[[str], None]) -> None:
    again = [each for each in planned if outdated(steps, each.step, each.fingerprint)]
    if again:
        names = "; ".join(f"{each.name}, seed {each.seed}" for each in again)
        say(f"{len(again)} of {len(planned)} models were made with other settings and are made again: {names}")


def _trained(config: ReproduceConfig, training: Training) -> Model:
    make = cold_start if training.arm.algorithm is None else train_arm
    steps = Path(config.output) / "steps"
    result: Model = keep(steps, training.step, training.fingerprint, lambda: make(config, training))
    return result


def _say_figures(training: Training, found: Model, say: Callable[[str], None]) -> None:
    share = found["all"]["think_on"]
    say(
        f"{training.name}, seed {training.seed}: accuracy {found['all']['accuracy']:.3f}, "
        f"tokens {found['all']['tokens']:.1f}, think-on {'–' if share is None else format(share, '.3f')}"
    )
