"""The format lesson: what the teacher wrote, in the format that is published, before any mode is preferred.

A model of one million parameters that meets tags and a justification for the first time in its cold start forgets how
to add while it learns them, and what looks like the price of a mode is that of a format. So it first learns the format
from all of its own rollouts, right and wrong ones and of both modes alike, which takes less from what it can do.
"""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import polars as pl

from hipo_data.pipeline.store.run_path import run_path
from hipo_data.pipeline.views.run_files import RunFiles, open_run
from hipo_data.prompts.formats.format import Format
from hipo_data.prompts.formats.parts import FormatError, HybridResponse
from hipo_data.prompts.formats.reading import parsed
from hipo_data.prompts.formats.registry import FORMATS
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.records import HIDDEN, FinishReason, Mode
from hipo_data.stages.justify.justify import ACCEPTED
from hipo_data.stages.select.pair_counts import with_source

_TURN: Final = pl.Struct({"role": pl.String(), "content": pl.String()})
LESSON: Final = pl.Schema({"problem_id": pl.String(), "messages": pl.List(_TURN), "format": pl.String()})


def write_lesson(run: Path, folder: Path, format_name: str, rollouts: int, seed: int) -> int:
    """Writes the responses of a run into `folder`/sft, in one format, and returns how many there are.

    Args:
        run: a run directory whose rollouts are complete.
        rollouts: of each problem and mode, the first that ended.
        seed: of the justifications: each response has one of a problem of its source, whichever its mode, so that what
            is said tells nothing of the mode that follows.

    Raises `UserError` where there are no responses, or no justifications in a format that has them.
    """
    files = open_run(run_path(str(run)))
    style = FORMATS[format_name]
    said = _justifications(files) if style.justifies else {}
    rows = list(_rows(files, style, rollouts, said, random.Random(seed)))
    if not rows:
        raise UserError(f"{run} holds no responses that the {format_name} format can hold; there is nothing to learn")
    target = folder / "sft"
    target.mkdir(parents=True, exist_ok=True)
    pl.DataFrame(rows, schema=LESSON).write_parquet(target / "train-00000.parquet")
    return len(rows)


def _rows(
    files: RunFiles, style: Format, rollouts: int, said: dict[str, list[str]], rng: random.Random
) -> Iterator[dict[str, Any]]:
    def justification(source: str) -> str:
        if not style.justifies:
            return ""
        if not said.get(source):
            raise UserError(
                f"the run has no accepted justification of a problem of {source}, and the {style.name} format needs "
                "one; look at why they were refused"
            )
        return rng.choice(said[source])

    problems = files.scan("ingest")
    assert problems is not None
    asked = problems.select("problem_id", "question").join(with_source(problems), on="problem_id")
    for mode in Mode:
        written = files.scan(f"sample.{mode}")
        if written is None:
            continue
        ended = written.filter(
            pl.col("answer").is_not_null(),
            pl.col("error").is_null(),
            pl.col("finish_reason") == FinishReason.STOP,
            pl.col("reasoning").is_null() | (pl.col("reasoning") != HIDDEN),
            pl.col("index") < rollouts,
        ).select("problem_id", "index", "reasoning", "answer")
        for row in ended.join(asked, on="problem_id").sort("problem_id", "index").collect().iter_rows(named=True):
            reasoning = row["reasoning"] if mode is Mode.THINK_ON else None
            response = HybridResponse(mode, justification(row["source"]), reasoning, row["answer"])
            text = _rendered(style, response)
            if text is not None:
                turns = [{"role": "user", "content": row["question"]}, {"role": "assistant", "content": text}]
                yield {"problem_id": row["problem_id"], "messages": turns, "format": style.name}


def _rendered(style: Format, response: HybridResponse) -> str | None:
    """The response as text; null where the format cannot hold it, as where there is a tag in it."""
    try:
        text = style.render(response)
    except FormatError:
        return None
    return text if parsed(style, text) is not None else None


def _justifications(files: RunFiles) -> dict[str, list[str]]:
    """The accepted ones by source, in the order of their problems."""
    attempts, problems = files.scan("justify", "attempts"), files.scan("ingest")
    if attempts is None or problems is None:
        return {}
    accepted = attempts.filter(pl.col("verdict") == ACCEPTED).join(with_source(problems), on="problem_id")
    by_source = accepted.group_by("source").agg(pl.col("text").sort_by("problem_id", "mode")).sort("source").collect()
    return dict(zip(by_source["source"], by_source["text"].to_list(), strict=True))
