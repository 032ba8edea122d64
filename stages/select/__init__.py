"""Verdicts to decisions: the mode, the kept rollout and the rule."""
