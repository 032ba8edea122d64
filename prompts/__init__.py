"""Prompt templates, and the formats in which a hybrid response is rendered and parsed."""
