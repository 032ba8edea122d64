"""Sampling that stops when no further rollout can change the decision."""
