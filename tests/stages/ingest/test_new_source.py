"""A source is a file: what lies in the folder of the adapters can be named in a recipe."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from hipo_data.schemas.errors import SourceError
from hipo_data.schemas.source_config import SourceConfig
from hipo_data.stages.ingest import sources
from tests.stages.ingest.ingesting import read, write

ADAPTER = '''
"""org/riddles."""

import polars as pl

from hipo_data.schemas.source_config import AdapterConfig
from hipo_data.stages.ingest.adapter import Draft, text_needed
from hipo_data.stages.ingest.reading.columns import Column

DATASET = "org/riddles"
FILES = "*.jsonl"


class RiddlesSource(AdapterConfig):
    """Its own keys."""

    riddle: str = "riddle"


CONFIG = RiddlesSource


def columns(config: RiddlesSource) -> list[Column]:
    """What is read of a row."""
    return [Column(config.riddle), Column("solution")]


def draft(config: RiddlesSource) -> Draft:
    """A row as a draft."""
    return Draft(pl.lit("math"), pl.col(config.riddle), pl.col("solution"), [text_needed(config.riddle)])
'''


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with another adapter, beside those that there are."""
    (tmp_path / "riddles.py").write_text(ADAPTER)
    monkeypatch.setattr(sources, "__path__", [*sources.__path__, str(tmp_path)])
    return tmp_path


def test_a_new_source_is_a_new_file(folder: Path) -> None:
    rows = write(folder / "rows.jsonl", [{"text": "What is 1 + 1?", "solution": "2"}, {"solution": "3"}])
    found = read(SourceConfig.model_validate({"type": "riddles", "path": str(rows), "riddle": "text"}))
    assert [(problem.question, problem.sources[0].dataset) for problem in found.problems] == [
        ("What is 1 + 1?", "org/riddles")
    ]
    assert [row.reason for row in found.rejected] == ["bad_column"]
    assert "riddles" in sources.adapter_names()


def test_a_key_that_an_adapter_does_not_know_is_refused(folder: Path) -> None:
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        sources.own_config(SourceConfig.model_validate({"type": "acereason", "path": "x", "riddle": "text"}))


def test_a_name_that_is_no_adapters_is_refused_with_the_nearest() -> None:
    with pytest.raises(SourceError, match="no source of type 'skywrk'; did you mean 'skywork'"):
        sources.adapter_of(SourceConfig(type="skywrk", path="x"))
    for name in ("adapter", "hub", "__init__", "files"):
        with pytest.raises(SourceError, match="no source of type"):
            sources.adapter_of(SourceConfig(type=name, path="x"))
