"""Ingest: source rows become problems, each question once, whatever source and however often it came."""

import glob
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import ceil, log2
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from graders.golds import GoldError, parse_gold
from schemas.config import AceReasonSource, IngestConfig, SkyworkSource, SourceConfig
from schemas.gold import gold_to_json
from schemas.keys import problem_id, seed_of, shard_of
from schemas.records import Problem, Rejected, Source
from schemas.tables import Row, read_rows, source_files
from schemas.text import valid_unicode
from stages.sources import acereason, skywork, table
from stages.sources.draft import Draft, RefusedRowError

VERSION = "1"
_KEPT_CHARS = 2_000


@dataclass
class Ingested:
    """Problems sorted by id, the rows that did not become one, and what came in."""

    problems: list[Problem]
    rejected: list[Rejected]
    rows: int
    """Rows read: each is a source of one problem, or rejected."""
    merged: int
    """Rows whose question another row had already brought, with the same gold."""
    over_limit: int
    """Rows of problems left out by `ingest.limit`."""
    by_source: Counter[str] = field(default_factory=Counter)


def ingest(sources: list[SourceConfig], config: IngestConfig, seed: int) -> Ingested:
    """Reads all sources. Raises `FileNotFoundError` where a source has no file."""
    problems: dict[str, Problem] = {}
    conflicting: set[str] = set()
    rejected: list[Rejected] = []
    by_source: Counter[str] = Counter()
    for source in sources:
        for row, origin in _rows(source):
            by_source[origin.dataset] += 1
            try:
                found = _problem(row, origin, source, config, seed)
            except RefusedRowError as refusal:
                rejected.append(_rejected(refusal.reason, refusal.detail, row, origin))
                continue
            known = problems.get(found.problem_id)
            if known is None:
                problems[found.problem_id] = found
                continue
            problems[found.problem_id] = known.model_copy(update={"sources": [*known.sources, *found.sources]})
            if gold_to_json(known.gold) != gold_to_json(found.gold):
                conflicting.add(found.problem_id)
    for key in sorted(conflicting):
        rejected.extend(_conflict(problems.pop(key)))
    kept = sorted(problems.values(), key=lambda problem: problem.problem_id)
    beyond = kept[config.limit :] if config.limit is not None else []
    kept = kept[: len(kept) - len(beyond)]
    return Ingested(
        problems=kept,
        rejected=rejected,
        rows=by_source.total(),
        merged=sum(len(problem.sources) - 1 for problem in kept),
        over_limit=sum(len(problem.sources) for problem in beyond),
        by_source=by_source,
    )


def shard_bits(problems: int, shard_size: int) -> int:
    """log2 of the number of shards that brings a shard of hashed problems near `shard_size`."""
    return max(0, ceil(log2(problems / shard_size))) if problems else 0


def by_shard(problems: list[Problem], bits: int) -> dict[int, list[Problem]]:
    """Problems by shard; shards without a problem are left out."""
    shards: dict[int, list[Problem]] = {}
    for problem in problems:
        shards.setdefault(shard_of(problem.problem_id, bits), []).append(problem)
    return dict(sorted(shards.items()))


def _rows(source: SourceConfig) -> Iterator[tuple[Row, Source]]:
    for path in source_files(source.path):
        file = _file_label(path, source.path)
        for row in read_rows(path):
            yield (
                row,
                Source(
                    dataset=source.name or _adapter(source).DATASET,
                    revision=source.revision,
                    split=source.split,
                    file=file,
                    row=row.number,
                ),
            )


def _file_label(path: Path, pattern: str) -> str:
    """The file's name, with the folders that a glob matched: `data/*/train.jsonl` names many a `train.jsonl`."""
    steps = Path(pattern).parts
    fixed = next((at for at, step in enumerate(steps) if glob.has_magic(step)), len(steps))
    is_glob = str(path) != str(Path(pattern)) and fixed < len(steps)
    label = path.relative_to(Path(*steps[:fixed])).as_posix() if is_glob else path.name
    return valid_unicode(label)


def _adapter(source: SourceConfig) -> Any:
    if isinstance(source, AceReasonSource):
        return acereason
    return skywork if isinstance(source, SkyworkSource) else table


def _problem(row: Row, origin: Source, source: SourceConfig, config: IngestConfig, seed: int) -> Problem:
    if row.values is None:
        raise RefusedRowError("unreadable", row.error or "the row cannot be read")
    draft: Draft = _adapter(source).draft(row.values, source)
    question = draft.question.strip()
    if not question:
        raise RefusedRowError("empty_question", "the question is empty")
    if len(question) > config.max_question_chars:
        raise RefusedRowError("question_too_long", f"{len(question)} characters, over {config.max_question_chars}")
    try:
        gold = parse_gold(draft.kind, draft.gold)
    except GoldError as error:
        raise RefusedRowError(error.reason, str(error)) from error
    key = problem_id(question)
    in_validation = seed_of(seed, "split", key) < config.validation_fraction * 2**31
    try:
        problem = Problem(
            problem_id=key,
            kind=draft.kind,
            question=question,
            gold=gold,
            sources=[origin],
            domain=draft.domain,
            difficulty=draft.difficulty,
            licence=draft.licence or source.licence,
            split="validation" if in_validation else "train",
        )
    except ValidationError as error:
        wrong = error.errors()[0]
        raise RefusedRowError("bad_column", f"{'.'.join(map(str, wrong['loc']))}: {wrong['msg']}") from error
    try:
        problem.model_dump_json()
    except PydanticSerializationError as error:
        raise RefusedRowError("bad_text", f"the row holds text that is not valid Unicode: {error}") from error
    return problem


def _rejected(reason: str, detail: str, row: Row, origin: Source) -> Rejected:
    text = row.raw if row.values is None else json.dumps(row.values, ensure_ascii=True, default=str)
    return Rejected(
        stage="ingest",
        reason=reason,
        detail=valid_unicode(detail)[:_KEPT_CHARS],
        key=f"{origin.file}:{origin.row}",
        row=text[:_KEPT_CHARS],
        sources=[origin],
    )


def _conflict(problem: Problem) -> list[Rejected]:
    places = ", ".join(f"{source.dataset} {source.file}:{source.row}" for source in problem.sources)
    return [
        Rejected(
            stage="ingest",
            reason="gold_conflict",
            detail=f"the same question has different golds in {places}",
            key=f"{source.file}:{source.row}",
            row=problem.question[:_KEPT_CHARS],
            sources=[source],
        )
        for source in problem.sources
    ]
