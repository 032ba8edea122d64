"""Whether twice the nodes bring twice the rollouts: local Ray clusters of 1, 2 and 4 nodes.

Each node holds one replica of an engine that has so many requests under way at a time, each of which takes a second on
a server that only waits, so that two cores are enough for all of them. Nodes are real raylets on this machine; journal
and graders are at work. Rollouts a second count in the middle of a run.

    python benchmarks/scaling.py
"""

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ray.cluster_utils import Cluster

sys.path.insert(0, str(Path(__file__).resolve().parent))

from sampling import N, Run, answered, endpoint, endpoint_roles, say, server, sums, warm_rate

NODES = (1, 2, 4)
AT_ONCE = 48
"""Requests of a replica under way."""
WAVES = 32
CPUS = 3
"""Of a node: its replica's, and room for tasks."""
DELAY_S = 1.0
GOALS = {"nodes_2": 1.9, "nodes_4": 3.6}


def main() -> None:
    rates = {nodes: rate(nodes) for nodes in NODES}
    ratio = {f"nodes_{nodes}": rates[nodes] / rates[1] for nodes in NODES[1:]}
    print(json.dumps({"benchmark": "scaling", "ratio": ratio, "goal": GOALS}))


def rate(nodes: int) -> float:
    """Rollouts a second of a cluster, answered and graded."""
    rows = sums(nodes * AT_ONCE * WAVES // (2 * N))
    with tempfile.TemporaryDirectory() as folder, server(DELAY_S) as port, cluster(nodes) as address:
        teacher = endpoint(port, AT_ONCE) | {"replicas": nodes, "resources": {"num_cpus": 1, "resources": {"seat": 1}}}
        run = Run(Path(folder), rows, teacher, endpoint_roles(), address)
        rates = warm_rate((second, 1) for second in answered(port)), warm_rate(run.graded)
        say(f"{nodes} nodes: {rates[0]:,.1f} answers/s, {rates[1]:,.1f} verdicts/s")
        return min(rates)


@contextmanager
def cluster(nodes: int) -> Iterator[str]:
    """The address of a cluster in which each node has a seat for one replica."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    arguments = {"num_cpus": CPUS, "resources": {"seat": 1}, "include_dashboard": False}
    made = Cluster(initialize_head=True, head_node_args=arguments)
    try:
        for _ in range(nodes - 1):
            made.add_node(num_cpus=CPUS, resources={"seat": 1})
        yield made.address
    finally:
        made.shutdown()


if __name__ == "__main__":
    main()
