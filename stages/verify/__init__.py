"""Rollouts to verdicts."""
