"""The logarithm of the beta function, of which predictive probabilities of further verdicts are made."""

from math import lgamma


def log_beta(a: float, b: float) -> float:
    """ln B(a, b) of positive numbers."""
    return lgamma(a) + lgamma(b) - lgamma(a + b)
