"""Kills what a run consists of, at moments of a test's choosing, and starts its driver again whenever it is gone."""

import json
import random
import subprocess
import time
from pathlib import Path

import psutil
import pyarrow.parquet as pq
from ray.cluster_utils import Cluster

from tests.support.commands import COMMAND


def dataset(run: Path) -> bytes:
    """All rows that a run published, in a form to be compared."""
    files = sorted(run.glob("dataset/*/*.parquet"))
    return b"".join(json.dumps(pq.read_table(path).to_pylist(), sort_keys=True).encode() for path in files)


class Disturber:
    """Starts the driver again whenever it is gone, and kills what it is told to, once there has been some progress.

    The run is that of `recipe.yaml` in `folder`, into `run` there; its output goes to `log.txt`.
    """

    def __init__(self, folder: Path, cluster: Cluster) -> None:
        self._folder = folder
        self._cluster = cluster
        self._driver = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        log = (self._folder / "log.txt").open("ab")
        command = [str(COMMAND), "run", "-c", "recipe.yaml", "--run-dir", "run"]
        return subprocess.Popen(command, cwd=self._folder, stdout=log, stderr=log)

    def keep_going(self) -> bool:
        """Whether there is still something to disturb."""
        code = self._driver.poll()
        if code is not None and code != 0:
            self._driver = self._start()
        return code != 0

    def kill(self, what: str, draw: random.Random) -> bool:
        """Whether there was one to kill."""
        if what == "driver":
            self._driver.kill()
            self._driver.wait()
            return True
        if what == "node":
            node = draw.choice(sorted(self._cluster.worker_nodes, key=str))
            self._cluster.remove_node(node, allow_graceful=False)
            self._cluster.add_node(num_cpus=3)
            return True
        # Tasks are short: where none runs at this moment, a worker that waits for one is killed.
        for name in ["ray::EngineActor"] if what == "engine" else ["ray::run_cpu_node", "ray::IDLE"]:
            found = [each for each in psutil.process_iter() if name in " ".join(_line(each)) and self._is_ours(each)]
            if found:
                draw.choice(sorted(found, key=lambda process: process.pid)).kill()
                return True
        return False

    def _is_ours(self, process: psutil.Process) -> bool:
        """Workers are children of a raylet that knows the cluster's address."""
        try:
            raylet = process.parent()
        except psutil.Error:
            return False
        return raylet is not None and any(self._cluster.address in part for part in _line(raylet))

    def finish(self) -> None:
        """Waits for the end of the run."""
        while self.keep_going():
            time.sleep(0.2)


def _line(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []
