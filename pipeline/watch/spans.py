"""OpenTelemetry: a trace an attempt at a run, a span a piece of work.

Where they go is up to the environment, as OpenTelemetry has it: OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_SERVICE_NAME, ….
"""

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, Status, StatusCode, set_span_in_context

from hipo_data.pipeline.graph.nodes import Node
from hipo_data.pipeline.store.manifest import Manifest
from hipo_data.pipeline.watch.watcher import Watcher


class Spans(Watcher):
    """The spans of one attempt."""

    def __init__(self, run: str) -> None:
        self._provider = TracerProvider(resource=Resource.create({"service.name": "hipo-data"}), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("hipo-data")
        self._whole = self._tracer.start_span("run", attributes={"hipo_data.run": run})
        self._open: dict[str, Span] = {}

    def began(self, node: Node) -> None:
        """Opens its span."""
        attributes = {"hipo_data.stage": node.stage, "hipo_data.shard": node.shard, "hipo_data.mode": node.mode or ""}
        context = set_span_in_context(self._whole)
        self._open[node.name] = self._tracer.start_span(node.folder, context=context, attributes=attributes)

    def ended(self, node: Node, manifest: Manifest) -> None:
        """Closes its span."""
        span = self._open.pop(node.name, None)
        if span is not None:
            span.set_attributes({"hipo_data.rows_in": manifest.rows_in, "hipo_data.rows_out": manifest.rows_out})
            span.end()

    def failed(self, node: Node, error: str) -> None:
        """Closes its span as failed."""
        span = self._open.pop(node.name, None)
        if span is not None:
            span.set_status(Status(StatusCode.ERROR, error))
            span.end()

    def said(self, text: str) -> None:
        """An event of the whole."""
        self._whole.add_event(text)

    def closed(self, error: str | None) -> None:
        """Closes what is open, and sends the rest."""
        for span in self._open.values():
            span.end()
        if error is not None:
            self._whole.set_status(Status(StatusCode.ERROR, error))
        self._whole.end()
        self._provider.shutdown()
