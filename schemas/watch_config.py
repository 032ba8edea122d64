"""Who is told how a run gets on, besides whoever reads the terminal."""

from pydantic import Field

from hipo_data.schemas.config_node import Config


class WatchConfig(Config):
    """Nothing of this changes what a run makes."""

    metrics_port: int | None = Field(
        default=None, ge=0, le=65535, description="Prometheus finds /metrics at this port of the driver; 0: a free one"
    )
    metrics_host: str = Field(default="127.0.0.1", description="address to listen at; 0.0.0.0 for other machines")
    opentelemetry: bool = Field(
        default=False, description="a span for each piece of work goes where OTEL_EXPORTER_OTLP_ENDPOINT says"
    )
    webhook: str | None = Field(
        default=None, description="an http(s) address that gets the outcome as JSON when the run ends, well or not"
    )
    command: list[str] | None = Field(
        default=None, min_length=1, description="a command that gets the same JSON on its standard input"
    )
