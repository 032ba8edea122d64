"""Ingests files of any shape, and checks the accounts of each run."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from hipo_data.graders import Grader
from hipo_data.schemas.arrow import from_table
from hipo_data.schemas.config import IngestConfig, SourceConfig
from hipo_data.schemas.grading import GradingConfig
from hipo_data.schemas.records import Problem, Rejected, Response, Source
from hipo_data.schemas.source_config import AdapterConfig
from hipo_data.stages.ingest.accounts import Accounts
from hipo_data.stages.ingest.evaluation_sets import evaluation_index
from hipo_data.stages.ingest.filters import rules
from hipo_data.stages.ingest.ingest import Sinks, ingest
from hipo_data.stages.ingest.origins import open_source
from hipo_data.stages.ingest.sources.am_thinking import AMThinkingSource
from hipo_data.stages.ingest.sources.table import TableSource

Line = dict[str, Any] | str | bytes
Place = tuple[str, str, int]

ACEREASON = "nvidia/AceReason-Math"
SKYWORK = "Skywork/Skywork-OR1-RL-Data"
AM_THINKING = "a-m-team/AM-Thinking-v1-Distilled"
II_THOUGHT = "Intelligent-Internet/II-Thought-RL-v0"


def write(path: Path, rows: Sequence[Line]) -> Path:
    """Objects as JSON Lines; text and bytes as they are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [
        row if isinstance(row, bytes) else (row if isinstance(row, str) else json.dumps(row)).encode() for row in rows
    ]
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


def write_parquet(path: Path, rows: Iterable[Line], **how: Any) -> Path:
    pq.write_table(pa.Table.from_pylist(list(rows)), path, **how)
    return path


def acereason(path: Path, **changes: Any) -> AdapterConfig:
    return AdapterConfig(type="acereason", path=str(path), **changes)


def skywork(path: Path, **changes: Any) -> AdapterConfig:
    return AdapterConfig(type="skywork", path=str(path), **changes)


def am_thinking(path: Path, **changes: Any) -> AMThinkingSource:
    return AMThinkingSource(type="am_thinking", path=str(path), **changes)


def ii_thought(path: Path, **changes: Any) -> AdapterConfig:
    return AdapterConfig(type="ii_thought", path=str(path), **changes)


def table(path: Path, **changes: Any) -> TableSource:
    return TableSource(type="table", path=str(path), **changes)


def ace_row(question: Any, answer: Any = "1") -> dict[str, Any]:
    return {"problem": question, "answer": answer}


def sky_row(question: str, gold: Any = "1", ability: str = "math", **changes: Any) -> dict[str, Any]:
    row = {
        "data_source": "train-math-deepscaler",
        "prompt": [{"content": question, "role": "user"}],
        "ability": ability,
        "reward_model": {"ground_truth": gold, "style": "rule"},
        "extra_info": {
            "index": 0,
            "model_difficulty": {
                "DeepSeek-R1-Distill-Qwen-1.5B": 16,
                "DeepSeek-R1-Distill-Qwen-7B": 8,
                "DeepSeek-R1-Distill-Qwen-32B": 0,
            },
        },
    }
    return row | changes


def am_info(gold: Any = "1", category: str = "math", **changes: Any) -> dict[str, Any]:
    golds = {"ground_truth": gold, "test_case": None} if category == "math" else {"test_case": gold}
    info = {"source": "NuminaMath", "category": category, "model_name": "DeepSeek-R1", "verify_score": 1.0}
    return info | golds | changes


def am_row(question: Any, gold: Any = "1", category: str = "math", **info: Any) -> dict[str, Any]:
    """Info within the assistant's turn, as the dataset keeps it."""
    answer = {"from": "assistant", "value": "<think>…</think>", "info": am_info(gold, category, **info)}
    return {"conversations": [{"from": "human", "value": question, "info": None}, answer]}


def ii_row(question: Any, answer: Any = None, kind: Any = "math_verifiable", **changes: Any) -> dict[str, Any]:
    """`answer` is the object below `answer`; default: a math value."""
    info = {"type": kind, "answer": {"value": "1"} if answer is None else answer}
    return {"id": "x", "problem": question, "data_source": "numina", "verification_info": json.dumps(info)} | changes


@dataclass
class Ingested:
    problems: list[Problem]
    rejected: list[Rejected]
    accounts: Accounts
    shards: dict[tuple[int, int], list[Problem]]
    responses: list[Response]
    tables: list[pa.Table]
    """All that came out: shards in order, then rejected rows as they came."""

    @property
    def outcomes(self) -> dict[Place, str]:
        """What became of every row that no cap left out, by dataset, file and number: `problem`, or the reason."""
        found: dict[Place, str] = {}
        for source, outcome in self._sources():
            place = (source.dataset, source.file, source.row)
            assert place not in found, f"{place} comes out twice"
            found[place] = outcome
        return found

    def _sources(self) -> Iterable[tuple[Source, str]]:
        for problem in self.problems:
            yield from ((source, "problem") for source in problem.sources)
        for row in self.rejected:
            yield from ((source, row.reason) for source in row.sources)


def read(*sources: SourceConfig, seed: int = 0, keeps_without_gold: bool = False, **config: Any) -> Ingested:
    """Ingests with neither filters nor a search for near-duplicates, unless `config` turns them on."""
    config = {"near_duplicates": None, "filters": {rule.name: False for rule in rules()}} | config
    found = Ingested([], [], Accounts(), {}, [], [])
    shards: dict[tuple[int, int], pa.Table] = {}
    rejected: list[pa.Table] = []

    def take_shard(bits: int, index: int, problems: pa.Table) -> None:
        shards[bits, index] = problems

    def take_responses(bits: int, index: int, responses: pa.Table) -> None:
        assert (bits, index) in shards
        found.responses += from_table(responses, Response)

    settings = IngestConfig(**config)
    evaluation = evaluation_index(settings.decontaminate)
    opened = [open_source(source, settings, evaluation, keeps_without_gold) for source in sources]
    with TemporaryDirectory() as work, Grader(GradingConfig()) as grader:
        sinks = Sinks(shard=take_shard, responses=take_responses, rejected=rejected.append)
        found.accounts = ingest(opened, settings, seed, Path(work), grader, sinks)
    found.shards = {at: list(from_table(shards[at], Problem)) for at in sorted(shards)}
    found.problems = [problem for problems in found.shards.values() for problem in problems]
    found.rejected = [row for rows in rejected for row in from_table(rows, Rejected)]
    found.tables = [*(shards[at] for at in sorted(shards)), *rejected]
    check_accounts(found)
    return found


def check_accounts(found: Ingested) -> None:
    """Every row is a source of one problem, rejected with a reason, or left out by a cap; and each problem is one."""
    accounts = found.accounts
    assert accounts.problems == len(found.problems)
    assert [p.problem_id for p in found.problems] == sorted({p.problem_id for p in found.problems})
    assert accounts.refused == Counter(row.reason for row in found.rejected)
    places = Counter(dataset for dataset, _, _ in found.outcomes)
    for dataset, account in accounts.datasets.items():
        assert account.read == account.kept + account.left_out + sum(account.refused.values())
        assert account.read - account.left_out == places[dataset]
        mine = [source for problem in found.problems for source in problem.sources if source.dataset == dataset]
        assert account.kept == len(mine)
    assert all(row.reason and row.detail and len(row.sources) == 1 for row in found.rejected)


def reasons(found: Ingested) -> Counter[str]:
    return Counter(row.reason for row in found.rejected)


def the_same(one: Ingested, other: Ingested) -> bool:
    """Whether two runs gave the same rows in the same shards and order; blocks of rejected rows may differ."""
    return all(
        len(mine) == len(theirs) and (not mine or pa.concat_tables(mine).equals(pa.concat_tables(theirs)))
        for mine, theirs in zip(_whole(one), _whole(other), strict=True)
    ) and list(one.shards) == list(other.shards)


def _whole(found: Ingested) -> tuple[list[pa.Table], list[pa.Table]]:
    shards, rejected = found.tables[: len(found.shards)], found.tables[len(found.shards) :]
    return shards, [pa.concat_tables(rejected)] if rejected else []
