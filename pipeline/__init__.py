"""How stages are run: the graph of shards, the Ray runner, the store, the journal, progress, the report and the CLI."""

import os

# Nothing is reported to anybody; read when huggingface_hub is imported, in the driver and in every worker.
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
