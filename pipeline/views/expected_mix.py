"""What `publish.mix` will make of the responses that are kept, before they are published."""

from collections.abc import Mapping, Sequence

import polars as pl

from hipo_data.pipeline.graph.nodes import INGEST, PICKS, Node
from hipo_data.pipeline.store.files import scan_tables
from hipo_data.pipeline.store.manifest import Manifest, Output
from hipo_data.pipeline.store.run_path import RunPath
from hipo_data.pipeline.store.whole import check_all
from hipo_data.schemas.config import RunConfig
from hipo_data.schemas.errors import UnfitError
from hipo_data.schemas.mix_config import MixConfig
from hipo_data.schemas.records import Mode
from hipo_data.stages.publish.mix import kept_counts, mix_figures, mixed

ONE_ROW = ("hipo", "lhrm", "shortest", "always-think", "budget", "effort")
"""Policies under which a problem has one row."""

_REMARK = (
    "Mixed: how many rows that think and how many others publish.mix would keep, of all examples; it counts "
    "those of the training split alone, after justifications."
)


def expected_mix(
    run_dir: RunPath, config: RunConfig, done: Mapping[str, Manifest], shards: Sequence[str]
) -> str | None:
    """A sentence by the responses that are selected; null without a mix, and before all shards are selected.

    A problem for which no justification is accepted counts all the same. Raises `DamagedError`.
    """
    nodes = [done.get(Node("select", shard).name) for shard in shards]
    selected = [node.outputs[PICKS] for node in nodes if node is not None]
    if config.publish.mix is None or not shards or len(selected) < len(shards):
        return None
    keys = pl.col("problem_id")
    picks = _scan(run_dir, selected).select(keys, "mode", rollout_index="index", completion_tokens="tokens")
    splits = _scan(run_dir, [done[INGEST.name].outputs[shard] for shard in shards]).select(keys, "split")
    rows = picks.join(splits, on="problem_id", maintain_order="left").collect()
    try:
        return f"Mix: {mix_figures(mixed(rows, config.publish.mix, config.seed)).in_words}."
    except UnfitError as error:
        return f"Publish would refuse its mix: {error}."


def _scan(run_dir: RunPath, outputs: Sequence[Output]) -> pl.LazyFrame:
    check_all((run_dir / output.path, output) for output in outputs)
    return scan_tables([run_dir / output.path for output in outputs])


def mix_of(config: RunConfig) -> MixConfig | None:
    """The mix, where counts of examples tell what it keeps: it asks for a share, and a problem has one row."""
    mix = config.publish.mix
    return mix if mix is not None and mix.think is not None and config.select.policy in ONE_ROW else None


def mix_remarks(mix: MixConfig | None) -> list[str]:
    """What a reader of a table with a mix has to know."""
    return [] if mix is None else [_REMARK]


def stays(mix: MixConfig, modes: Mapping[str, int]) -> tuple[int, int]:
    """How many rows that think and how many others stay of so many examples by mode."""
    other = modes.get(Mode.THINK_OFF.value, 0)
    think = sum(modes.values()) - other
    return (think, other) if mix.think is None else kept_counts(think, other, mix.think)
