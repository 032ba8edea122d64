"""Grading of measured quantities: values with units."""
