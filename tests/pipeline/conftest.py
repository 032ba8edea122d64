"""A real Ray cluster of two nodes on this machine, shared by the runs of a session."""

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session")
def cluster_address() -> Iterator[str]:
    """The address of the cluster."""
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 4, "include_dashboard": False})
    cluster.add_node(num_cpus=4)
    yield cluster.address
    cluster.shutdown()


@pytest.fixture
def on_cluster(cluster_address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands of this test join the cluster, as a user's do where RAY_ADDRESS is set."""
    monkeypatch.setenv("RAY_ADDRESS", cluster_address)
