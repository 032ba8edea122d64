"""Filters of ingest: rules as data in `rules.yaml`, each with the examples that the tests run."""

from hipo_data.stages.ingest.filters.apply import apply_filters
from hipo_data.stages.ingest.filters.language import check_languages
from hipo_data.stages.ingest.filters.rules import Example, Rule, check_names, rules, rules_hash

__all__ = ["Example", "Rule", "apply_filters", "check_languages", "check_names", "rules", "rules_hash"]
