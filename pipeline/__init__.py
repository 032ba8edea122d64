"""How stages are run: graph, Ray runner, store, journal, progress, report, command line."""

import os

# Nothing is reported to anybody; read when huggingface_hub is imported, in the driver and in every worker.
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
