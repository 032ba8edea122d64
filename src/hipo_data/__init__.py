"""Training data for models that decide when to think: from public problems to graded, explained hybrid data."""
