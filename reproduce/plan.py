"""Which models a comparison trains, in which order, and what each is made from."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from hipo_data.evaluation.folder import model_hash
from hipo_data.reproduce.config import Arm, ReproduceConfig, slug
from hipo_data.reproduce.kept import fingerprint_of
from hipo_data.schemas.packaged import recipe_file


@dataclass(frozen=True)
class Training:
    """One model: an arm or a cold start, and a seed.

    Its folder is named by all that it is trained with, so that what other settings left there is never taken up.
    """

    name: str
    arm: Arm
    seed: int
    step: str
    fingerprint: str
    folder: Path
    begins: Path
    """The model that it begins from; of a cold start, the teacher."""


def rounds(config: ReproduceConfig, more: bool = True) -> list[dict[str, Arm]]:
    """The arms of the first round and, with `more`, of the second one."""
    second = config.more | (config.ablations.arms if config.ablations else {})
    return [config.arms, *([second] if more and second else [])]


def starts_of(config: ReproduceConfig, arms: dict[str, Arm]) -> list[str]:
    """The cold starts that a round needs: that which all is compared with, and those that its arms begin from."""
    needed = {next(iter(config.starts)), *(arm.start for arm in arms.values())}
    return [name for name in config.starts if name in needed]


def trainings(config: ReproduceConfig, arms: dict[str, Arm]) -> list[Training]:
    """The cold starts of a round, and its arms.

    A cold start has the seeds of all arms that begin from it; the first one, which all is compared with, those of all.
    """
    first = next(iter(config.starts))
    found = []
    for start in starts_of(config, arms):
        of_start = [name for name, arm in arms.items() if start in (arm.start, first)]
        found += [_cold_start(config, start, seed) for seed in _united(config.seeds_of(name) for name in of_start)]
    for name, arm in arms.items():
        found += [_trained_arm(config, name, arm, seed) for seed in config.seeds_of(name)]
    return found


def _united(seeds: Iterable[list[int]]) -> list[int]:
    return sorted({seed for each in seeds for seed in each})


def _cold_start(config: ReproduceConfig, start: str, seed: int) -> Training:
    made = _fingerprint_of_start(config, start, seed)
    step = f"start-{start}-{seed}"
    return Training(
        config.starts[start].title,
        Arm(start=start),
        seed,
        step,
        _measured(config, made),
        _folder(config, step, made),
        Path(config.model),
    )


def _trained_arm(config: ReproduceConfig, name: str, arm: Arm, seed: int) -> Training:
    cold = _cold_start(config, arm.start, seed)
    algorithm = arm.algorithm.model_dump() if arm.algorithm else None
    made = fingerprint_of(
        [
            _fingerprint_of_start(config, arm.start, seed),
            algorithm,
            config.rl.model_dump(),
            fingerprint_of_data(config, config.rl.problems_of),
        ]
    )
    step = f"{slug(name)}-{seed}"
    return Training(name, arm, seed, step, _measured(config, made), _folder(config, step, made), cold.folder / "model")


def _folder(config: ReproduceConfig, step: str, made: str) -> Path:
    return Path(config.output) / "models" / f"{step}-{made[:8]}"


def _measured(config: ReproduceConfig, made: str) -> str:
    # "tag": a forced tag takes the other one's place. Other ways of forcing measure something else.
    return fingerprint_of([made, ["tag", config.hybrid.model_dump()] if config.hybrid else None])


def _fingerprint_of_start(config: ReproduceConfig, start: str, seed: int) -> str:
    return fingerprint_of([fingerprint_of_data(config, start), config.cold_start.model_dump(), config.max_tokens, seed])


def fingerprint_of_problems(config: ReproduceConfig) -> str:
    """Of all that the problems are made from, the teacher's weights too: its pool is what they are kept apart from."""
    return fingerprint_of([config.problems.model_dump(), config.model, model_hash(config.model)])


def fingerprint_of_run(config: ReproduceConfig) -> str:
    """Of the rollouts that all starts share."""
    recipe = recipe_file(Path(config.data)).read_text(encoding="utf-8")
    return fingerprint_of([fingerprint_of_problems(config), recipe])


def fingerprint_of_data(config: ReproduceConfig, name: str) -> str:
    """Of the dataset of a start."""
    start = config.starts[name]
    return fingerprint_of([fingerprint_of_run(config), start.overrides, start.format])


def fingerprint_of_ceiling(config: ReproduceConfig) -> str:
    """Of what the best choice of modes could reach."""
    return fingerprint_of(["ceiling 1", fingerprint_of_run(config), config.problems.evaluation])
