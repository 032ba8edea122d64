"""Evaluates a hybrid-reasoning model: what it gets right, what it spends, and whether it thinks where that pays."""

from collections.abc import Callable, Sequence
from contextlib import closing, nullcontext
from pathlib import Path

import polars as pl

from hipo_data.evaluation.backend import Backend, LocalModel, Sampling
from hipo_data.evaluation.folder import claim, done_rows, model_hash, piece_path, read_settings, write_rows, write_text
from hipo_data.evaluation.problems import EvalProblem, ProblemSet, problems_hash, read_problem_set
from hipo_data.evaluation.result import (
    FORCED_BY_START,
    FORCED_BY_TAG,
    RESULT_FILE,
    EvaluationResult,
    Settings,
    result_of,
)
from hipo_data.evaluation.rows import ROWS, GradesBatches, asks_of, rows_of
from hipo_data.graders import Grader
from hipo_data.prompts.formats.format import Format
from hipo_data.prompts.formats.parts import FormatError
from hipo_data.prompts.formats.registry import FORMATS
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.grading import GradingConfig
from hipo_data.schemas.records import Mode

PLAIN = "plain"
"""The format of models without a hybrid format: their responses have no mode."""


def evaluate(
    model: str | Path,
    problems: str | Path,
    format: str,
    seeds: Sequence[int],
    forced: bool,
    out: Path,
    backend: Backend | str = "auto",
    *,
    sampling: Sampling | None = None,
    split: str = "validation",
    limit: int | None = None,
    margin: float = 0.0,
    budgets: Sequence[int] = (),
    grader: GradesBatches | GradingConfig | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> EvaluationResult:
    """Samples, grades and measures; run again, it goes on from the rows that are there.

    One response a problem, seed and way of asking: freely, and with `forced` also in each forced mode, of which the
    hybrid accuracy is made (with N seeds, N samples a mode). Rows lie in OUT/rows, one file a seed and way, the result
    in OUT/evaluation.json. Seeds can be added later; anything else that decides the rows needs a folder of its own.

    Args:
        model: a folder, a name on the Hub, or the name under which an endpoint serves the model.
        problems: a published dataset, or an evaluation set; see `read_problem_set`.
        format: a name in `prompts.formats.registry.FORMATS`, or `plain`.
        seeds: distinct.
        forced: whether to sample the forced modes too.
        out: the folder of the results.
        backend: `vllm`, `transformers`, `auto` (vLLM where it is installed), or a `Backend`.
        sampling: temperature, top-p and token limit of every response.
        split: which files of a published dataset.
        limit: at most this many problems, the first.
        margin: shares of right responses nearer than this count as equal in the hybrid accuracy.
        budgets: of tokens, to hold the responses against.
        grader: a grader that is there already, or time limits and sandbox of one to start.
        say: takes a line of progress.

    Raises `UserError` where something of the above cannot be used, and says what.
    """
    fmt = format_of(format)
    if forced and fmt is None:
        raise UserError("a plain model has no modes to force; name its format, or leave the forced modes out")
    if not seeds or len(set(seeds)) != len(seeds):
        raise UserError(f"seeds have to be distinct, and at least one; given were {list(seeds)}")
    read = read_problem_set(problems, split, limit)
    found = read.problems
    _check_questions(found, fmt)
    source = backend_of(backend)
    settings = _settings(str(model), problems, fmt, source, sampling or Sampling(), read)
    claim(out, settings)
    ways = [None, *Mode] if forced else [None]
    pieces = [(seed, way) for seed in seeds for way in ways]
    _fill(out, pieces, found, settings, fmt, source, grader or GradingConfig(), say)
    return report(out, margin, [piece_path(out, seed, way) for seed, way in pieces], budgets)


def report(
    out: Path, margin: float = 0.0, pieces: Sequence[Path] | None = None, budgets: Sequence[int] = ()
) -> EvaluationResult:
    """Computes the result from the rows of a folder (or from some of its files) and writes it down.

    Raises `UserError` where the folder holds no evaluation.
    """
    settings = read_settings(out)
    files = sorted(pieces if pieces is not None else (out / "rows").glob("*.parquet"))
    if settings is None or not files:
        raise UserError(f"{out} holds no rows of an evaluation; run `hipo-data eval run --out {out}` first")
    result = result_of(settings, pl.concat([pl.read_parquet(file) for file in files]), margin, budgets)
    write_text(out / RESULT_FILE, result.model_dump_json(indent=2))
    return result


def format_of(name: str) -> Format | None:
    """A format by name, null for `plain`. Raises `UserError` for any other name."""
    if name == PLAIN:
        return None
    if name not in FORMATS:
        raise UserError(f"there is no format '{name}'; choose from {', '.join(FORMATS)}, or {PLAIN}")
    return FORMATS[name]


def backend_of(backend: Backend | str, settings: LocalModel | None = None) -> Backend:
    """A backend by name, with these settings. Raises `UserError` for an unknown name."""
    from importlib.util import find_spec

    from hipo_data.evaluation.transformers import TransformersBackend
    from hipo_data.evaluation.vllm import VllmBackend

    if not isinstance(backend, str):
        return backend
    named: dict[str, Callable[[LocalModel | None], Backend]] = {
        "vllm": VllmBackend,
        "transformers": TransformersBackend,
    }
    name = ("vllm" if find_spec("vllm") else "transformers") if backend == "auto" else backend
    if name not in named:
        raise UserError(f"there is no backend '{name}'; choose from vllm, transformers, auto, or give an endpoint")
    return named[name](settings)


def _fill(
    out: Path,
    pieces: Sequence[tuple[int, Mode | None]],
    problems: Sequence[EvalProblem],
    settings: Settings,
    fmt: Format | None,
    backend: Backend,
    grader: GradesBatches | GradingConfig,
    say: Callable[[str], None],
) -> None:
    """Makes the rows that are missing, a piece at a time."""
    missing = [(seed, way, left) for seed, way in pieces if (left := _left(piece_path(out, seed, way), problems))]
    if not missing:
        return
    sampling = Sampling(settings.temperature, settings.top_p, settings.max_tokens)
    with closing(backend), Grader(grader) if isinstance(grader, GradingConfig) else nullcontext(grader) as graded_by:
        backend.start(settings.model, fmt)
        for number, (seed, way, left) in enumerate(missing, start=1):
            say(f"{number} of {len(missing)}: {way or 'free'}, seed {seed}, {len(left)} problems")
            replies = backend.generate(asks_of(left, seed, way), sampling)
            rows = rows_of(left, replies, seed, way, fmt, graded_by)
            _add(piece_path(out, seed, way), rows, problems)


def _left(piece: Path, problems: Sequence[EvalProblem]) -> list[EvalProblem]:
    done = done_rows(piece)
    finished = set() if done is None else set(done["problem_id"])
    return [each for each in problems if each.problem_id not in finished]


def _add(piece: Path, rows: pl.DataFrame, problems: Sequence[EvalProblem]) -> None:
    done = done_rows(piece)
    together = rows if done is None else pl.concat([done, rows])
    order = pl.DataFrame({"problem_id": [each.problem_id for each in problems]})
    write_rows(order.join(together, on="problem_id", how="left", maintain_order="left").select(ROWS.names()), piece)


def _settings(
    model: str, problems: str | Path, fmt: Format | None, backend: Backend, sampling: Sampling, found: ProblemSet
) -> Settings:
    return Settings(
        model=model,
        model_hash=model_hash(model),
        format=None if fmt is None else fmt.name,
        backend=backend.name,
        backend_details=dict(backend.details),
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        max_tokens=sampling.max_tokens,
        problems=str(problems),
        problem_count=len(found.problems),
        problems_hash=problems_hash(found.problems),
        repeated=found.repeated,
        forced_by=FORCED_BY_TAG if fmt is not None and fmt.justifies else FORCED_BY_START,
    )


def _check_questions(problems: Sequence[EvalProblem], fmt: Format | None) -> None:
    if fmt is None:
        return
    for problem in problems:
        try:
            for message in problem.chat:
                fmt.check_question(message["content"])
        except FormatError as error:
            raise UserError(
                f"problem {problem.problem_id} cannot be asked in the {fmt.name} format: {error}; remove it"
            ) from error
