"""Where text comes from: one small interface, one file an engine."""
