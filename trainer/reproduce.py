"""HiPO against its peers at equal budgets: `python -m trainer.reproduce --config recipes/reproduce.yaml`.

Every step keeps its result in OUTPUT/steps; run again after anything stopped it, it goes on.
"""

import argparse
import sys
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from schemas.config_file import read_config
from trainer.errors import UserError, needs_training_libraries
from trainer.reproduce_config import ReproduceConfig
from trainer.reproduce_page import write_page
from trainer.reproduce_steps import Model, cold_start, make_data, make_problems, slug, train_arm
from trainer.steps import fingerprint_of, keep

COLD = {"a": "cold start a (think-on alone)", "b": "cold start b (HiPO's rule)"}

Results = dict[str, dict[int, Model]]
"""By the name of an arm or a cold start, and by seed."""


def reproduce(config: ReproduceConfig, say: Callable[[str], None] = print) -> Path:
    """Makes what is not made yet, and returns the page. Raises `UserError` where a step fails."""
    steps = Path(config.output) / "steps"
    made = fingerprint_of([config.problems.model_dump(), config.model])
    say(f"problems: {keep(steps, 'problems', made, lambda: make_problems(config))}")
    data = fingerprint_of([made, Path(config.data).read_text(encoding="utf-8")])
    say(f"data: {keep(steps, 'data', data, lambda: make_data(config))}")
    results: Results = {}
    with ProcessPoolExecutor(config.jobs, mp_context=get_context("spawn")) as pool:
        # The cold starts of all seeds before the arms, which begin from them.
        cold = {
            start: fingerprint_of([data, start, config.cold_start.model_dump(), config.max_tokens]) for start in COLD
        }
        work = {
            pool.submit(_kept, steps, f"{start}-{seed}", f"{cold[start]}-{seed}", cold_start, config, start, seed): (
                name,
                seed,
            )
            for start, name in COLD.items()
            for seed in config.seeds
        }
        _gather(work, results, say)
        work = {
            pool.submit(
                _kept,
                steps,
                f"{slug(name)}-{seed}",
                fingerprint_of([cold[arm.start], arm.model_dump(), config.rl.model_dump(), seed]),
                train_arm,
                config,
                name,
                arm,
                seed,
            ): (name, seed)
            for seed in config.seeds
            for name, arm in config.arms.items()
        }
        _gather(work, results, say)
    ordered = {name: results[name] for name in [*COLD.values(), *config.arms]}
    return write_page(config, ordered)


def _kept(steps: Path, name: str, fingerprint: str, make: Callable[..., Model], *arguments: Any) -> Model:
    result: Model = keep(steps, name, fingerprint, lambda: make(*arguments))
    return result


def _gather(work: dict[Future[Model], tuple[str, int]], results: Results, say: Callable[[str], None]) -> None:
    for future in as_completed(work):
        name, seed = work[future]
        try:
            results.setdefault(name, {})[seed] = future.result()
        except BaseException:
            for other in work:
                other.cancel()
            raise
        found = results[name][seed]["all"]
        say(
            f"{name}, seed {seed}: accuracy {found['accuracy']:.3f}, tokens {found['tokens']:.1f}, "
            f"think-on {found['think_on'] if found['think_on'] is not None else float('nan'):.3f}"
        )


def main() -> None:
    """Entry point. Exit codes: 0 done, 1 a step failed, 2 bad usage or config."""
    parser = argparse.ArgumentParser(prog="python -m trainer.reproduce", description=__doc__)
    parser.add_argument("--config", type=Path, default=Path("recipes/reproduce.yaml"))
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override one key")
    args = parser.parse_args()
    try:
        needs_training_libraries()
        config = read_config(ReproduceConfig, args.config, args.set)
        print(f"page: {reproduce(config, lambda text: print(text, flush=True))}")
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
