"""Sources on a loopback Hub, and what comes of reading them."""

import io
import traceback
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hipo_data.schemas.config import EvaluationSet
from hipo_data.schemas.errors import SourceError
from hipo_data.stages.ingest.reading import hub as hub_module
from hipo_data.stages.ingest.reading.files import SourceFile, source_files
from hipo_data.stages.ingest.reading.hub_requests import Patience
from hipo_data.stages.ingest.sources.table import TableSource

REPO = "org/name"
LINES = b"".join(b'{"n": %d}\n' % n for n in range(2_000))
TOKEN = "hf_secretsecretsecret"


def parquet(rows: int) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table({"n": list(range(rows))}), sink, row_group_size=100)
    return sink.getvalue()


FILES = {
    "rows.jsonl": LINES,
    "more/rows.jsonl": b'{"n": -1}\n',
    "data/train.parquet": parquet(1_000),
    "data/test-0.parquet": parquet(3),
    "README.md": b"---\nlicense: cc-by-4.0\n---\n# Rows\n",
}


def as_a_new_process() -> None:
    """Forgets what is looked up once a process."""
    hub_module._looked_up.cache_clear()
    hub_module._listed.cache_clear()


def on_hub(files: str | None = "rows.jsonl", revision: str = "main", **more: Any) -> TableSource:
    return TableSource(type="table", name=REPO, revision=revision, files=files, **more)


def only(source: TableSource, patience: Patience) -> SourceFile:
    (file,) = source_files(source, None, None, patience)
    return file


def content(file: SourceFile) -> bytes:
    with file.open() as opened:
        return opened.read()


def refusal(source: TableSource | EvaluationSet, patience: Patience) -> str:
    """The sentence with which a source is refused, when it is listed or when its file is read."""
    with pytest.raises(SourceError) as caught:
        for file in source_files(source, None, None, patience):
            content(file)
    text = str(caught.value)
    assert "\n" not in text
    shown = "".join(traceback.format_exception(caught.value))
    assert TOKEN not in shown and "Signature" not in shown
    return text
