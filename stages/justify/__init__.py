"""Decisions to examples: a justification of the mode, checked."""
