"""A Ray cluster of several nodes on this machine."""

from typing import Any

from ray.cluster_utils import Cluster

SECONDS = 300
"""Ray's own limit of 30 for a node is not enough for a machine that does much else."""


def start_cluster(head: dict[str, Any], *others: dict[str, Any]) -> Cluster:
    """Starts a head and further nodes, each with the arguments given, and waits until all are up."""
    cluster = Cluster(initialize_head=True, head_node_args={"include_dashboard": False, "wait": False, **head})
    cluster.wait_for_nodes(timeout=SECONDS)
    for node in others:
        cluster.add_node(wait=False, **node)
    cluster.wait_for_nodes(timeout=SECONDS)
    return cluster
