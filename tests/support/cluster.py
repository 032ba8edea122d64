"""A Ray cluster of several nodes on this machine."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ray.cluster_utils import Cluster

from hipo_data.pipeline.local_ray import bare

SECONDS = 300
"""Ray's own limit of 30 for a node is not enough for a machine that does much else."""


@contextmanager
def ray_cluster(head: dict[str, Any], *others: dict[str, Any]) -> Iterator[Cluster]:
    """A head and further nodes, each with the arguments given, once all are up."""
    handler = signal.getsignal(signal.SIGTERM)  # which each node that starts replaces
    with bare():  # its other processes look around all the time, beside tests
        cluster = Cluster(initialize_head=True, head_node_args={"include_dashboard": False, "wait": False, **head})
        try:
            cluster.wait_for_nodes(timeout=SECONDS)
            for node in others:
                cluster.add_node(wait=False, **node)
            cluster.wait_for_nodes(timeout=SECONDS)
        except BaseException:
            cluster.shutdown()
            raise
    try:
        yield cluster
    finally:
        cluster.shutdown()
        signal.signal(signal.SIGTERM, handler)
