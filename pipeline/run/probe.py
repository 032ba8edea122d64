"""A small run beforehand, which says what the whole one will take."""

from dataclasses import dataclass

from hipo_data.pipeline.graph.nodes import INGEST
from hipo_data.pipeline.graph.stages import STAGES
from hipo_data.pipeline.graph.states import load_present_manifests, shards_of
from hipo_data.pipeline.ray_session import connected
from hipo_data.pipeline.run.runner import Runner
from hipo_data.pipeline.store.ledger import Spent, read_spent
from hipo_data.pipeline.store.run_dir import held, record_run
from hipo_data.pipeline.store.run_path import RunPath
from hipo_data.pipeline.watch.progress import RunProgress
from hipo_data.schemas.config import RunConfig

_PER_PROBLEMS = 1_000


@dataclass(frozen=True)
class Probe:
    """What a small run took."""

    problems: int
    spent: Spent
    engine_seconds: float
    """From the first request to the last, engines loaded."""

    def of(self, problems: int) -> Spent:
        """What so many problems would take, without GPU hours."""
        factor = problems / max(1, self.problems)
        return Spent(
            prompt_tokens=round(self.spent.prompt_tokens * factor),
            completion_tokens=round(self.spent.completion_tokens * factor),
            cost=self.spent.cost * factor,
            currency=self.spent.currency,
            characters=round(self.spent.characters * factor),
        )

    def hours(self, problems: int) -> float:
        """How long the engines would take for so many at the probe's own rate: a bound, since a small run leaves large
        engines half empty."""
        return self.engine_seconds * problems / max(1, self.problems) / 3600


def probe_dir(run_dir: RunPath) -> RunPath:
    """Where the small run lies, beside the whole one."""
    return run_dir.with_name(f"{run_dir.name}.probe")


def make_probe(run_dir: RunPath, config: RunConfig, problems: int, progress: RunProgress) -> Probe:
    """Runs all stages but publish over `problems` of the problems. Going on with an earlier probe costs what is new."""
    directory = probe_dir(run_dir)
    small = config.model_copy(update={"ingest": config.ingest.model_copy(update={"limit": problems})})
    with held(directory, progress.say):
        record_run(directory, small)
        runner = Runner(directory, small, STAGES[:-1], progress)
        if runner.anything_to_do():
            with connected(small):
                seconds = runner.run().sampling_seconds
        else:
            seconds = 0.0
    return Probe(count_problems(directory), read_spent(directory), seconds)


def count_problems(run_dir: RunPath) -> int:
    """Problems of a run, 0 before its ingest."""
    ingest = load_present_manifests(run_dir).get(INGEST.name)
    return sum(ingest.outputs[shard].rows for shard in shards_of(ingest)) if ingest else 0


def _rate(probe: Probe) -> str:
    if probe.spent.characters and not probe.spent.completion_tokens:
        return f"{probe.spent.characters / probe.engine_seconds:,.0f} characters/s"
    return f"{probe.spent.completion_tokens / probe.engine_seconds:,.0f} completion tokens/s"


def predicted(probe: Probe, problems: int) -> str:
    """The prediction in a sentence or two."""
    took = f"the probe of {probe.problems} problems took {probe.spent}"
    count, what = (problems, f"all {problems:,}") if problems else (_PER_PROBLEMS, f"every {_PER_PROBLEMS:,} problems")
    rate = (
        f", and at most {probe.hours(count):,.2f} hours of the engines at its rate of {_rate(probe)}"
        if probe.engine_seconds
        else ""
    )
    return f"{took}; {what} would take about {probe.of(count)}{rate}"
