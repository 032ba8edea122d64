"""What a run tells Prometheus, a log, OpenTelemetry, a webhook and the terminal."""

import json
import re
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from hipo_data.pipeline.graph.nodes import Node
from hipo_data.pipeline.store.ledger import Spent
from hipo_data.pipeline.store.manifest import Manifest
from hipo_data.pipeline.watch.event_log import EventLog, last_attempt
from hipo_data.pipeline.watch.metrics import Metrics
from hipo_data.pipeline.watch.notify import notify
from hipo_data.pipeline.watch.progress import RunProgress
from hipo_data.pipeline.watch.watcher import EngineStatus, Rates, RunState, StageProgress
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.records import Mode
from hipo_data.schemas.watch_config import WatchConfig
from hipo_data.stages.sample.shown import Shown
from tests.support.chat_server import Server

DASHBOARD = Path(__file__).resolve().parents[3] / "deploy/grafana/hipo-data.json"
SAMPLE = Node("sample", "02-0001", Mode.THINK_ON)
MANIFEST = Manifest(
    node=SAMPLE.name, parts={}, outputs={}, rows_in=8, rows_out=8, rows_rejected=0, seconds=2.5, counts={"sampled": 8}
)
SPENT = Spent(prompt_tokens=100, completion_tokens=900, cost=0.25, currency="USD", gpu_hours=0.5)
STATE = RunState(
    stages=[StageProgress("sample think_on", "rollouts", 12, 48)],
    engines=[EngineStatus("teacher", 3, 1, 40, 7, 12, SPENT, 2)],
    spent=SPENT,
    modes={Mode.THINK_OFF: Shown(plain=1_171, reasoned=5, reasoning=5, cut=27, failed=1, open=3)},
)


@dataclass
class Listener:
    """A server that keeps what is posted to it, and answers with the next of `statuses`, or 200."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    bodies: list[tuple[str, bytes]] = field(default_factory=list)


@contextmanager
def listening() -> Iterator[Listener]:
    found = Listener()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = found.statuses.pop(0) if found.statuses else 200
            if status == 200:
                found.bodies.append((self.path, body))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = Server(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def served() -> Iterator[Metrics]:
    metrics = Metrics("night", "127.0.0.1", 0)
    try:
        yield metrics
    finally:
        metrics.closed(None)


def scrape(metrics: Metrics) -> dict[str, float]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://127.0.0.1:{metrics.port}/metrics", timeout=10) as reply:
        lines = reply.read().decode().splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[:1] != "#")}


def test_prometheus_reads_the_figures_of_the_last_look() -> None:
    with served() as metrics:
        metrics.looked(STATE)
        metrics.ended(SAMPLE, MANIFEST)
        metrics.failed(SAMPLE, "no space left")
        found = scrape(metrics)
    assert found['hipo_data_stage_rows_done{stage="sample think_on"}'] == 12
    assert found['hipo_data_stage_rows{stage="sample think_on"}'] == 48
    assert found['hipo_data_mode_rollouts{mode="think_off",shows="reasoned"}'] == 5
    assert found['hipo_data_mode_rollouts{mode="think_off",shows="open"}'] == 3
    assert found['hipo_data_engine_requests{engine="teacher",state="in_flight"}'] == 40
    assert found['hipo_data_engine_requests{engine="teacher",state="waiting"}'] == 7
    assert found['hipo_data_engine_replicas{engine="teacher",state="ready"}'] == 2
    assert found['hipo_data_engine_tokens_total{engine="teacher",kind="completion"}'] == 900
    assert found['hipo_data_engine_restarts_total{engine="teacher"}'] == 2
    assert found['hipo_data_spent_cost_total{currency="USD"}'] == 0.25
    assert found["hipo_data_spent_gpu_hours_total"] == 0.5
    assert found['hipo_data_piece_seconds_sum{stage="sample.think_on"}'] == 2.5
    assert found['hipo_data_pieces_failed_total{stage="sample.think_on"}'] == 1


def test_a_port_that_is_taken_is_one_sentence() -> None:
    with served() as metrics, pytest.raises(UserError, match=rf"cannot listen at 127.0.0.1:{metrics.port} \("):
        Metrics("other", "127.0.0.1", metrics.port)


def test_the_dashboard_asks_for_figures_that_there_are() -> None:
    with served() as metrics:
        metrics.looked(STATE)
        metrics.ended(SAMPLE, MANIFEST)
        metrics.failed(SAMPLE, "no space left")
        there = {name.partition("{")[0] for name in scrape(metrics)}
    dashboard = DASHBOARD.read_text()
    asked = set(re.findall(r"hipo_data_\w+", dashboard))
    assert asked <= there, asked - there
    ours = {
        name for name in there if name.startswith("hipo_data_") and not name.endswith(("_sum", "_count", "_created"))
    }
    assert ours - asked == {"hipo_data_engine_requests_finished_total"}
    for panel in json.loads(dashboard)["panels"]:
        assert panel["targets"], panel["title"]
        assert all('{instance=~"$instance"' in target["expr"] for target in panel["targets"])


def test_the_log_tells_what_the_last_attempt_left_undone(tmp_path: Path) -> None:
    first = EventLog(tmp_path, "night")
    first.failed(SAMPLE, "of an earlier attempt")
    first.closed(None)
    log = EventLog(tmp_path, "night")
    other = Node("select", "02-0001")
    for node in (SAMPLE, other):
        log.began(node)
        log.failed(node, "no space left")
    log.began(SAMPLE)
    log.ended(SAMPLE, MANIFEST)
    under_way = last_attempt(tmp_path)
    assert under_way is not None
    assert not under_way.closed
    log.closed("1 pieces failed")
    found = last_attempt(tmp_path)
    assert found is not None
    assert [(event["stage"], event["shard"], event["error"]) for event in found.failures] == [
        ("select", "02-0001", "no space left")
    ]
    assert (found.closed, found.error) == (True, "1 pieces failed")


def test_a_line_that_was_being_written_when_the_driver_died_hides_nothing(tmp_path: Path) -> None:
    log = EventLog(tmp_path, "night")
    log.failed(SAMPLE, "no space left")
    with (tmp_path / "logs/events.jsonl").open("a") as file:
        file.write('{"time": "2026-0')
    again = EventLog(tmp_path, "night")
    again.failed(SAMPLE, "again")
    found = last_attempt(tmp_path)
    assert found is not None
    assert [event["error"] for event in found.failures] == ["again"]


def test_spans_arrive_at_a_collector(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http")
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    from hipo_data.pipeline.watch.spans import Spans

    with listening() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        spans = Spans("night")
        other = Node("select", "02-0001")
        for node in (SAMPLE, other):
            spans.began(node)
        spans.ended(SAMPLE, MANIFEST)
        spans.failed(other, "no space left")
        spans.closed(None)
    found = {}
    for path, body in collector.bodies:
        assert path == "/v1/traces"
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            found |= {span.name: span for scope in resource.scope_spans for span in scope.spans}
    assert set(found) == {"run", "sample.think_on", "select"}
    assert found["select"].parent_span_id == found["run"].span_id
    assert found["select"].status.message == "no space left"
    assert {each.key: each.value.int_value for each in found["sample.think_on"].attributes}["hipo_data.rows_out"] == 8


def test_a_webhook_and_a_command_get_the_outcome(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with listening() as hook:
        hook.statuses = [503]
        command = ["sh", "-c", f"cat > {tmp_path}/got.json"]
        assert notify(WatchConfig(webhook=f"{hook.url}/night?key=secret", command=command), {"result": "done"}) == []
    assert hook.bodies == [("/night?key=secret", b'{"result": "done"}')]
    assert json.loads((tmp_path / "got.json").read_text()) == {"result": "done"}


def test_who_cannot_be_told_is_said_without_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr("time.sleep", lambda _: None)
    with listening() as hook:
        hook.statuses = [500] * 4
        said = notify(WatchConfig(webhook=f"{hook.url}/?key=secret", command=["/no/such/command"]), {})
    assert said[0] == "watch.webhook was not told (it answered 500)"
    assert said[1].startswith("watch.command failed (")
    assert "secret" not in "".join(said)


def test_rates_are_those_of_the_last_minute() -> None:
    rates = Rates()
    assert rates.look({"a": 0}, now=0) == {}
    assert rates.look({"a": 100}, now=10) == {"a": 10}
    for second in range(20, 200, 10):
        rates.look({"a": 100}, now=second)
    assert rates.look({"a": 100}, now=200) == {"a": 0}


def test_a_line_says_how_far_how_fast_how_much(monkeypatch: pytest.MonkeyPatch) -> None:
    out = StringIO()
    with RunProgress(Console(file=out, width=300)) as progress:
        monkeypatch.setattr("time.monotonic", lambda: 1000.0)
        progress.show(RunState([StageProgress("sample on", "rollouts", 0, 48)]), now=True)
        monkeypatch.setattr("time.monotonic", lambda: 1010.0)
        progress.show(RunState([StageProgress("sample on", "rollouts", 12, 48)], STATE.engines, SPENT), now=True)
    assert out.getvalue().splitlines()[-1] == (
        "sample on 12/48 | teacher 90 tokens/s, 40 requests and 7 waiting | 1,000 tokens, 0.25 USD, 0.50 GPU hours | "
        "about 30 s left"
    )


def test_a_line_says_what_the_modes_show_so_far() -> None:
    out = StringIO()
    with RunProgress(Console(file=out, width=300)) as progress:
        modes = {**STATE.modes, Mode.THINK_ON: Shown(reasoned=4)}
        progress.show(RunState([StageProgress("sample on", "rollouts", 4, 48)], modes=modes), now=True)
    assert out.getvalue() == (
        "sample on 4/48 | think-off 1,204 asked · 0.4 % reason · 0.2 % think aloud · 2.2 % cut off · 1 failed | "
        "think-on 4 asked\n"
    )


@pytest.mark.parametrize(("replicas", "loading", "said"), [(2, 2, "loading"), (0, 0, "closed")])
def test_an_engine_that_serves_nothing_says_why(replicas: int, loading: int, said: str) -> None:
    out = StringIO()
    with RunProgress(Console(file=out, width=300)) as progress:
        engine = EngineStatus("teacher", replicas, loading, 0, 0, 12, SPENT, 0)
        progress.show(RunState([StageProgress("justify", "problems", 0, 48)], [engine], SPENT), now=True)
    assert f"| teacher {said} |" in out.getvalue()
