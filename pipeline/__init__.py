"""How stages are run: the graph of shards, the Ray runner, the store, the journal, progress, the report and the CLI."""
