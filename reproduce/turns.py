"""In which turn models are trained: seed by seed, and an arm once the cold start that it begins from is there.

What is stopped early so has whole seeds, each with all that it is compared with.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait

from hipo_data.reproduce.measuring import Model
from hipo_data.reproduce.plan import Training


def by_seed(planned: Sequence[Training]) -> list[Training]:
    """Seed by seed, the cold starts of each before its arms; otherwise as they are planned."""
    return sorted(planned, key=lambda each: (each.seed, each.arm.algorithm is not None))


def train_in_turn(
    planned: Sequence[Training],
    jobs: int,
    submit: Callable[[Training], Future[Model]],
    trained: Callable[[Training, Model], None],
) -> None:
    """Trains all that is planned, `jobs` at a time; what an arm begins from is among them or was trained before.

    Raises what a training raises, once it comes; those that run beside it go on to their end.
    """
    waiting = by_seed(planned)
    running: dict[Future[Model], Training] = {}
    while waiting or running:
        coming = {each.folder / "model" for each in (*waiting, *running.values())}
        ready = [each for each in waiting if each.begins not in coming]
        for training in ready[: jobs - len(running)]:
            waiting.remove(training)
            running[submit(training)] = training
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            trained(running.pop(future), future.result())
