"""A run of a few shards as its graph has it: a config, and manifests as nodes would leave them."""

from typing import Any

from hipo_data.pipeline.graph.nodes import INGEST, Node
from hipo_data.pipeline.store.manifest import Manifest, Output
from hipo_data.schemas.config import RunConfig
from hipo_data.schemas.records import Mode

SHARDS = ("01-0000", "01-0001")
PROBLEMS = 10
"""Of each shard."""
OFF, ON = Mode.THINK_OFF, Mode.THINK_ON


def config_of(**changes: Any) -> RunConfig:
    """Think-off and the reasons come from one engine, think-on from another."""
    roles = {"think_on": {"engine": "large"}, "think_off": {"engine": "small"}, "justifier": {"engine": "small"}}
    engine = {"type": "openai", "model": "m", "base_url": "http://nowhere/v1"}
    return RunConfig.model_validate(
        {
            "name": "small",
            "sources": [{"type": "acereason", "path": "none.jsonl", "name": "problems"}],
            "engines": {"small": engine, "large": engine},
            "roles": roles,
            "sample": {"n": 4},
            **changes,
        }
    )


def output(rows: int = PROBLEMS) -> Output:
    return Output(path="somewhere", rows=rows, bytes=1, sha256="0" * 64)


def manifest_of(node: Node, rejected: str | None = None, **counts: int) -> Manifest:
    """What a node leaves that is done; ingest has the shards among its outputs."""
    outputs = dict.fromkeys(SHARDS, output()) if node == INGEST else {"rows": output()}
    if rejected:
        outputs["rejected"] = Output(path=rejected, rows=1, bytes=1, sha256="0" * 64)
    return Manifest(
        node=node.name, parts={}, outputs=outputs, rows_in=0, rows_out=0, rows_rejected=0, counts=dict(counts)
    )
