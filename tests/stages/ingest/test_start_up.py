"""What reading costs before the first row: pandas takes longer to import than a small file takes to read."""

import subprocess
import sys
from pathlib import Path

from tests.stages.ingest.ingesting import ace_row, am_row, write, write_parquet

CODE = """
import sys
from pathlib import Path
from hipo_data.schemas.source_config import AdapterConfig
from hipo_data.stages.ingest.sources import acereason, am_thinking
from hipo_data.stages.ingest.reading.blocks import blocks, read_block
from hipo_data.stages.ingest.reading.files import source_files

adapters = {"ace.jsonl": acereason, "ace.parquet": acereason, "am.jsonl": am_thinking}
for name, adapter in adapters.items():
    (file,) = source_files(AdapterConfig(type="acereason", path=str(Path(sys.argv[1]) / name)), None, None)
    columns = adapter.columns(None)
    assert sum(read_block(block, columns).num_rows for block in blocks(file, columns)) == 2
assert "pandas" not in sys.modules
"""


def test_reading_does_not_import_pandas(tmp_path: Path) -> None:
    write(tmp_path / "ace.jsonl", [ace_row("What is 1?", "1"), ace_row("What is é?", "2")])
    write_parquet(tmp_path / "ace.parquet", [ace_row("What is 1?", "1"), ace_row("What is 2?", "2")])
    write(tmp_path / "am.jsonl", [am_row("What is 1?", "1"), am_row("What is 2?", "2")])
    done = subprocess.run([sys.executable, "-c", CODE, str(tmp_path)], capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
