"""How a hybrid response is written down: one format a file, each with `render` and `parse`."""
