"""A run as an object: its tables as Polars frames, its figures, its problems, and what other settings would decide."""

from collections.abc import Sequence
from functools import cached_property
from os import PathLike, fspath

import polars as pl

from hipo_data.pipeline.from_python.answers import Answered, Explained
from hipo_data.pipeline.from_python.html import facts
from hipo_data.pipeline.store.run_path import RunPath, run_path
from hipo_data.pipeline.views.explain import explain
from hipo_data.pipeline.views.run_files import RunFiles, open_run, read_statistics
from hipo_data.pipeline.views.settings import parse_deltas, parse_ns
from hipo_data.pipeline.views.summary import summary_figures
from hipo_data.pipeline.views.whatif import ask
from hipo_data.pipeline.watch.outcome import Outcome
from hipo_data.schemas.config import RunConfig
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.records import Mode
from hipo_data.stages.publish.statistics import Statistics

_KEY = ["problem_id", "mode", "index"]
_DELTAS = "0:0.5:0.05"


class Run:
    """A run by its files, as they were when it was opened; `hipo_data.open` makes one.

    Frames are lazy: files are held against their checksums when a frame is first asked for, and `collect` reads
    the columns that it needs. All that reads raises `UserError` where a stage has left nothing yet, and `DamagedError`
    where a file is not as it was written.
    """

    def __init__(self, files: RunFiles) -> None:
        self._files = files

    @property
    def path(self) -> RunPath:
        """Its directory."""
        return self._files.run_dir

    @property
    def config(self) -> RunConfig:
        """The config that it had last, without secrets."""
        return self._files.config

    @property
    def problems(self) -> pl.LazyFrame:
        """Problems, a row each: columns of `schemas.records.Problem`."""
        return self._table("ingest", "problems")

    @property
    def rollouts(self) -> pl.LazyFrame:
        """Rollouts of all modes, with the verdict of each: columns of `Rollout`, then those of `Verdict`.

        Where a rollout is not graded yet, the latter are null.
        """
        of_mode = [each for mode in self.config.roles.dear_first if (each := self._with_verdicts(mode)) is not None]
        if not of_mode:
            raise self._nothing("rollouts")
        return pl.concat(of_mode, how="diagonal")

    @property
    def decisions(self) -> pl.LazyFrame:
        """Which mode each problem got and by which rule, or why it was dropped: columns of `Decision`."""
        return self._table("select", "decisions")

    @property
    def examples(self) -> pl.LazyFrame:
        """Examples as they are published: columns of `Example`."""
        return self._table("justify", "examples")

    @cached_property
    def summary(self) -> Statistics:
        """The figures of the last publish: problems, examples, modes, pass rates, tokens, drops."""
        try:
            return read_statistics(self.path)
        except FileNotFoundError:
            raise self._nothing("published dataset") from None

    def problem(self, which: str) -> Explained:
        """What became of one problem and why.

        Args:
            which: the start of its id, or a source row as `file:row`.
        """
        return Explained(explain(self._files, which))

    def whatif(
        self, delta: float | Sequence[float] | str = _DELTAS, n: int | Sequence[int] | str | None = None
    ) -> Answered:
        """What other settings would have decided. Nothing is sampled.

        Args:
            delta: one value of δ, several, or a text such as `0:0.5:0.05`.
            n: rollouts of each mode; by default all that the run has.
        """
        ns = None if n is None else parse_ns(_in_text(n))
        return Answered(ask(self._files, parse_deltas(_in_text(delta)), ns))

    def __repr__(self) -> str:
        try:
            return f"Run({self.path}: {self.summary.problems} problems → {self.summary.examples} examples)"
        except UserError:
            return f"Run({self.path}: nothing is published yet)"

    def _repr_html_(self) -> str:
        title = f"{self.config.name} · {self.path}"
        try:
            return facts(title, summary_figures(self.summary, Outcome(), self.path))
        except UserError as error:
            return facts(title, {}, [str(error)])

    def _table(self, folder: str, what: str) -> pl.LazyFrame:
        found = self._files.scan(folder)
        if found is None:
            raise self._nothing(what)
        return found

    def _with_verdicts(self, mode: Mode) -> pl.LazyFrame | None:
        rollouts = self._files.scan(f"sample.{mode}")
        verdicts = self._files.scan(f"verify.{mode}")
        if rollouts is None or verdicts is None:
            return rollouts
        return rollouts.join(verdicts, on=_KEY, how="left", maintain_order="left")

    def _nothing(self, what: str) -> UserError:
        return UserError(f"{self.path} has no {what} yet; `hipo-data status` says how far it is")


def open_path(run_dir: str | PathLike[str]) -> Run:
    """A run that `hipo-data run` or `hipo_data.run` wrote, also while it is under way.

    Args:
        run_dir: its directory: a folder, or `s3://BUCKET/PREFIX`.

    Raises `UserError` where there is none, `DamagedError` where its record is damaged.
    """
    return Run(open_run(run_path(fspath(run_dir))))


def _in_text(given: str | float | Sequence[float]) -> str:
    """As the command line takes it."""
    return given if isinstance(given, str) else ",".join(map(str, given if isinstance(given, Sequence) else [given]))
