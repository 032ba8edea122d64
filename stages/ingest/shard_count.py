"""How many shards a run has."""

from math import ceil, log2

MOST_BITS = 16
"""65,536 shards; with more problems than fit, shards grow instead, since each costs files and decisions."""


def shard_bits(problems: int, shard_size: int) -> int:
    """log2 of the number of shards that brings a shard of hashed problems near `shard_size`."""
    return min(MOST_BITS, max(0, ceil(log2(problems / shard_size)))) if problems else 0
