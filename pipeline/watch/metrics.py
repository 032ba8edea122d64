"""A Prometheus endpoint with the figures that the terminal shows."""

from collections import Counter
from collections.abc import Iterator
from http.server import HTTPServer
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Histogram, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from hipo_data.pipeline.graph.nodes import Node
from hipo_data.pipeline.store.manifest import Manifest
from hipo_data.pipeline.watch.watcher import RunState, Watcher
from hipo_data.schemas.errors import UserError

_SHOWS = ("failed", "empty", "cut", "capped", "malformed", "reasoned", "plain", "open", "long")
_SECONDS = (0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 4 * 3600)


class Metrics(Watcher, Collector):
    """Listens from its making to `closed`. Raises `UserError` where the port cannot be had."""

    def __init__(self, run: str, host: str, port: int) -> None:
        self._run = run
        self._state = RunState()
        self._failed: Counter[str] = Counter()
        registry = CollectorRegistry()
        self._seconds = Histogram(
            "hipo_data_piece_seconds",
            "Time from the start to the end of a piece of work, a stage of a shard.",
            ["stage"],
            buckets=_SECONDS,
            registry=registry,
        )
        registry.register(self)
        try:
            self._server: HTTPServer
            self._server, self._thread = start_http_server(port, host, registry)
        except OSError as error:
            raise UserError(f"watch.metrics_port: cannot listen at {host}:{port} ({error.strerror})") from error

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._server.server_port

    def ended(self, node: Node, manifest: Manifest) -> None:
        """Counts a piece and its time."""
        self._seconds.labels(node.folder).observe(manifest.seconds)

    def failed(self, node: Node, error: str) -> None:
        """Counts it."""
        self._failed[node.folder] += 1

    def looked(self, state: RunState) -> None:
        """What is served until the next look."""
        self._state = state

    def closed(self, error: str | None) -> None:
        """Stops listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def collect(self) -> Iterator[Metric]:
        """The metrics as of the last look; Prometheus' client asks."""
        yield InfoMetricFamily("hipo_data_run", "The run.", {"name": self._run, "version": version("hipo-data")})
        yield from self._of_stages()
        yield from self._of_engines()
        spent = self._state.spent
        tokens = CounterMetricFamily("hipo_data_spent_tokens", "Tokens over all attempts at the run.", labels=["kind"])
        tokens.add_metric(["prompt"], spent.prompt_tokens)
        tokens.add_metric(["completion"], spent.completion_tokens)
        yield tokens
        cost = CounterMetricFamily("hipo_data_spent_cost", "Money, by the engines' prices.", labels=["currency"])
        if spent.currency:
            cost.add_metric([spent.currency], spent.cost)
        yield cost
        yield CounterMetricFamily("hipo_data_spent_gpu_hours", "Hours times GPUs held.", value=spent.gpu_hours)

    def _of_stages(self) -> Iterator[Metric]:
        done = GaugeMetricFamily("hipo_data_stage_rows_done", "Rows that are through a stage.", labels=["stage"])
        total = GaugeMetricFamily("hipo_data_stage_rows", "Rows that a stage will have handled.", labels=["stage"])
        for stage in self._state.stages:
            done.add_metric([stage.label], stage.done)
            total.add_metric([stage.label], stage.total)
        yield from (done, total)
        modes = GaugeMetricFamily(
            "hipo_data_mode_rollouts", "Rollouts by what they show of their mode.", labels=["mode", "shows"]
        )
        for mode, seen in self._state.modes.items():
            for name in _SHOWS:
                modes.add_metric([mode.value, name], getattr(seen, name))
        yield modes
        failed = CounterMetricFamily("hipo_data_pieces_failed", "Pieces of work that failed.", labels=["stage"])
        for folder, count in self._failed.items():
            failed.add_metric([folder], count)
        yield failed

    def _of_engines(self) -> Iterator[Metric]:
        requests = GaugeMetricFamily(
            "hipo_data_engine_requests", "Requests at an engine now.", labels=["engine", "state"]
        )
        replicas = GaugeMetricFamily("hipo_data_engine_replicas", "Replicas of an engine.", labels=["engine", "state"])
        finished = CounterMetricFamily("hipo_data_engine_requests_finished", "Answered requests.", labels=["engine"])
        tokens = CounterMetricFamily("hipo_data_engine_tokens", "Tokens of those.", labels=["engine", "kind"])
        restarts = CounterMetricFamily("hipo_data_engine_restarts", "Replicas started again.", labels=["engine"])
        for engine in self._state.engines:
            requests.add_metric([engine.name, "in_flight"], engine.in_flight)
            requests.add_metric([engine.name, "waiting"], engine.waiting)
            replicas.add_metric([engine.name, "loading"], engine.loading)
            replicas.add_metric([engine.name, "ready"], engine.replicas - engine.loading)
            finished.add_metric([engine.name], engine.finished)
            tokens.add_metric([engine.name, "prompt"], engine.spent.prompt_tokens)
            tokens.add_metric([engine.name, "completion"], engine.spent.completion_tokens)
            restarts.add_metric([engine.name], engine.restarts)
        yield from (requests, replicas, finished, tokens, restarts)
