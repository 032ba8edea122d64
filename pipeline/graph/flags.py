"""Which flagged problems a select node leaves out."""

from collections.abc import Iterable

from hipo_data.pipeline.graph.nodes import shard_name
from hipo_data.schemas.keys import shard_of

FLAGS = "excluded"
"""Among the parts of a manifest, the ids of flagged problems that its shard can hold, as a digest."""


def flagged_in(shard: str, problem_ids: Iterable[str]) -> list[str]:
    """Those that this shard can hold, in order."""
    bits = int(shard.partition("-")[0])
    return [each for each in problem_ids if shard_name(bits, shard_of(each, bits)) == shard]
