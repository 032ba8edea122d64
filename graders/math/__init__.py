"""Is this mathematical answer equal to the gold."""
