"""Every record that flows through the pipeline, its Arrow schema, its keys, and the config tree."""
