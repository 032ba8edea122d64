"""HiPO against its peers at equal budgets: `python -m hipo_data.reproduce --config recipes/reproduce.yaml`.

Every step keeps its result in OUTPUT/steps; run again after anything stopped it, it goes on. The page is written once
the comparison is complete and again after the ablations; `--page` writes it from what is there.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from hipo_data.reproduce.config import Arm, ReproduceConfig
from hipo_data.reproduce.kept import fingerprint_of, keep, kept
from hipo_data.reproduce.page import write_page
from hipo_data.reproduce.steps import (
    Model,
    Results,
    cold_start,
    make_data,
    make_problems,
    slug,
    train_arm,
    write_hybrid,
)
from hipo_data.schemas.config_file import read_config
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.packaged import recipe_file
from hipo_data.trainer.libraries import needs_training_libraries


@dataclass(frozen=True)
class Training:
    """One model: an arm or a cold start, and a seed."""

    name: str
    arm: Arm
    seed: int
    step: str
    fingerprint: str


def reproduce(config: ReproduceConfig, say: Callable[[str], None] = print) -> Path:
    """Makes what is not made yet, and returns the page. Raises `UserError` where a step fails."""
    steps = Path(config.output) / "steps"
    made = _fingerprint_of_problems(config)
    say(f"problems: {keep(steps, 'problems', made, lambda: make_problems(config))}")
    write_hybrid(config)
    results: Results = {}
    page = Path(config.page)
    with ProcessPoolExecutor(config.jobs, mp_context=get_context("spawn")) as pool:
        for arms, seeds in rounds(config):
            for name in dict.fromkeys([config.rl.problems_of, *(arm.start for arm in arms.values())]):
                make = partial(make_data, config, name)
                say(f"data {name}: {keep(steps, f'data-{name}', _fingerprint_of_data(config, name), make)}")
            planned = trainings(config, arms, seeds)
            # The cold starts of all seeds before the arms, which begin from them.
            for part in (
                [each for each in planned if each.arm.algorithm is None],
                [each for each in planned if each.arm.algorithm is not None],
            ):
                work = {pool.submit(_trained, config, training): training for training in part}
                _gather(work, results, say)
            page = write_page(config, results)
    return page


def page_of(config: ReproduceConfig) -> Path:
    """Writes the page from the models that are trained and evaluated. Raises `UserError` where there are none."""
    steps = Path(config.output) / "steps"
    results: Results = {}
    for arms, seeds in rounds(config):
        for training in trainings(config, arms, seeds):
            found = kept(steps, training.step, training.fingerprint)
            if found is not None:
                results.setdefault(training.name, {})[training.seed] = found
    if config.starts[next(iter(config.starts))].title not in results:
        raise UserError(f"{steps} holds no first cold start with these settings; run without --page first")
    return write_page(config, results)


def rounds(config: ReproduceConfig) -> list[tuple[dict[str, Arm], list[int]]]:
    """The comparison, and the ablations if there are any: the arms and the seeds of each."""
    found = [(config.arms, config.seeds)]
    if config.ablations:
        found.append((config.ablations.arms, config.ablations.seeds))
    return found


def trainings(config: ReproduceConfig, arms: dict[str, Arm], seeds: Sequence[int]) -> list[Training]:
    """The cold starts that the arms need, and the arms, one after the other so that few become complete early."""
    starts = dict.fromkeys(arm.start for arm in arms.values())
    named = {config.starts[name].title: Arm(start=name) for name in config.starts if name in starts}
    found = []
    for name, arm in {**named, **arms}.items():
        for seed in seeds:
            cold = fingerprint_of(
                [_fingerprint_of_data(config, arm.start), config.cold_start.model_dump(), config.max_tokens, seed]
            )
            measured = config.hybrid.model_dump() if config.hybrid else None
            algorithm = arm.algorithm.model_dump() if arm.algorithm else None
            problems = _fingerprint_of_data(config, config.rl.problems_of)
            made = fingerprint_of(
                [cold, measured, *([algorithm, config.rl.model_dump(), problems] if algorithm else [])]
            )
            step = f"start-{arm.start}" if arm.algorithm is None else slug(name)
            found.append(Training(name, arm, seed, f"{step}-{seed}", made))
    return found


def _fingerprint_of_problems(config: ReproduceConfig) -> str:
    return fingerprint_of([config.problems.model_dump(), config.model])


def _fingerprint_of_data(config: ReproduceConfig, name: str) -> str:
    recipe = recipe_file(Path(config.data)).read_text(encoding="utf-8")
    start = config.starts[name]
    return fingerprint_of([_fingerprint_of_problems(config), recipe, start.overrides, start.format])


def _trained(config: ReproduceConfig, training: Training) -> Model:
    def make() -> Model:
        if training.arm.algorithm is None:
            return cold_start(config, training.arm.start, training.seed)
        return train_arm(config, training.name, training.arm, training.seed)

    result: Model = keep(Path(config.output) / "steps", training.step, training.fingerprint, make)
    return result


def _gather(work: dict[Future[Model], Training], results: Results, say: Callable[[str], None]) -> None:
    for future in as_completed(work):
        training = work[future]
        try:
            found = future.result()
        except BaseException:
            for other in work:
                other.cancel()
            raise
        results.setdefault(training.name, {})[training.seed] = found
        share = found["all"]["think_on"]
        say(
            f"{training.name}, seed {training.seed}: accuracy {found['all']['accuracy']:.3f}, "
            f"tokens {found['all']['tokens']:.1f}, think-on {'–' if share is None else format(share, '.3f')}"
        )


def main() -> None:
    """Entry point. Ends with one of `ExitCode`; docs/errors.md says what each asks for."""
    parser = argparse.ArgumentParser(prog="python -m hipo_data.reproduce", description=__doc__)
    parser.add_argument("--config", type=Path, default=Path("recipes/reproduce.yaml"))
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override one key")
    parser.add_argument("--page", action="store_true", help="train nothing; write the page from what is there")
    args = parser.parse_args()
    try:
        needs_training_libraries()
        config = read_config(ReproduceConfig, args.config, args.set)
        page = page_of(config) if args.page else reproduce(config, lambda text: print(text, flush=True))
        print(f"page: {page}")
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
