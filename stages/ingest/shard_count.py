"""How many shards a run has."""

from math import ceil, log2

MOST_BITS = 16
"""65,536 shards; with more problems than fit, shards grow instead, since each costs files and decisions."""
SHARD_BYTES = 256 * 2**20
"""Questions and golds of a shard, which a worker holds several times over: beyond it, shards have fewer problems."""


def shard_bits(problems: int, shard_size: int, size: int = 0) -> int:
    """log2 of the number of shards that brings a shard of hashed problems near `shard_size` and below `SHARD_BYTES`.

    Args:
        size: bytes of all problems.
    """
    shards = max(problems / shard_size, size / SHARD_BYTES)
    return min(MOST_BITS, max(0, ceil(log2(shards)))) if problems else 0
