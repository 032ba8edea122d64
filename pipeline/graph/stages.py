"""The stages by name, in order; a module of its own so that the command line's help needs nothing heavy."""

STAGES = ["ingest", "sample", "verify", "select", "justify", "publish"]
