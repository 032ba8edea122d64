"""The ingest node: sources are read once, in bounded memory, and problems go to their shards as they are ready."""

import shutil
import time
import uuid
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from hipo_data.graders import Grader
from hipo_data.pipeline.graph.nodes import ACCOUNTS, RESPONSES, shard_name
from hipo_data.pipeline.graph.task import Task, put_output, write_output
from hipo_data.pipeline.store.files import put_file
from hipo_data.pipeline.store.manifest import Manifest, Output, write_manifest
from hipo_data.pipeline.store.run_path import scratch
from hipo_data.schemas.arrow import arrow_schema
from hipo_data.schemas.records import Rejected
from hipo_data.stages.ingest.evaluation_sets import evaluation_index
from hipo_data.stages.ingest.ingest import Sinks, ingest
from hipo_data.stages.ingest.origins import open_source


def run_ingest(task: Task, grader: Grader) -> Manifest:
    """Runs the node and commits it. Raises what `stages.ingest.ingest.ingest` and the opening of sources raise."""
    started = time.monotonic()
    config = task.config.ingest
    evaluation = evaluation_index(config.decontaminate)
    votes = task.config.verify.pseudo_gold is not None
    sources = [open_source(source, config, evaluation, votes) for source in task.config.sources]
    work = _work_folder(task)
    outputs: dict[str, Output] = {}

    def write_shard(bits: int, index: int, problems: pa.Table) -> None:
        shard = shard_name(bits, index)
        outputs[shard] = write_output(task.model_copy(update={"shard": shard}), ".parquet", problems)

    def write_responses(bits: int, index: int, responses: pa.Table) -> None:
        shard = shard_name(bits, index)
        outputs[RESPONSES + shard] = write_output(
            task.model_copy(update={"shard": shard}), ".responses.parquet", responses
        )

    rejected = _Rejected(work / "rejected.parquet")
    with rejected:
        sinks = Sinks(shard=write_shard, responses=write_responses, rejected=rejected.write)
        accounts = ingest(sources, config, task.config.seed, work, grader, sinks)
    if rejected.rows:
        name, size = f"{task.folder}/{task.shard}.rejected.parquet", rejected.path.stat().st_size
        sha256 = put_file(task.run_dir / name, rejected.path)
        outputs["rejected"] = Output(path=name, rows=rejected.rows, bytes=size, sha256=sha256)
    outputs[ACCOUNTS] = put_output(task, ".accounts.json", 0, accounts.model_dump_json(indent=1).encode())
    shutil.rmtree(work, ignore_errors=True)  # NFS keeps a name for each file that is still open
    totals = accounts.datasets.values()
    manifest = Manifest(
        node=task.name,
        parts=task.parts,
        outputs=dict(sorted(outputs.items())),  # shards are written by several threads
        rows_in=accounts.rows_read,
        rows_out=sum(account.kept for account in totals),
        rows_rejected=rejected.rows,
        rows_left_out=sum(account.left_out for account in totals),
        counts={
            "problems": accounts.problems,
            "merged": sum(account.merged for account in totals),
            **({"without gold": accounts.without_gold} if votes else {}),
            "responses": sum(output.rows for label, output in outputs.items() if label.startswith(RESPONSES)),
            **{f"rejected {reason}": rows for reason, rows in accounts.refused.items()},
        },
        seconds=time.monotonic() - started,
    )
    write_manifest(task.run_dir / task.folder / f"{task.shard}.json", manifest)
    return manifest


def _work_folder(task: Task) -> Path:
    """A new folder on a disk, beside the outputs where those are on one as well."""
    if isinstance(task.run_dir, Path):
        work = task.run_dir / task.folder / ".work.tmp"
        shutil.rmtree(work, ignore_errors=True)
    else:
        base = scratch(task.run_dir)
        for left in base.glob("ingest-*.tmp"):
            shutil.rmtree(left, ignore_errors=True)
        work = base / f"ingest-{uuid.uuid4().hex[:8]}.tmp"
    work.mkdir(parents=True)
    return work


class _Rejected:
    """Rejected rows, to a file as they come."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows = 0
        self._writer = pq.ParquetWriter(path, arrow_schema(Rejected), compression="zstd")

    def write(self, table: pa.Table) -> None:
        """Adds rows."""
        self._writer.write_table(table)
        self.rows += table.num_rows

    def __enter__(self) -> "_Rejected":
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()
