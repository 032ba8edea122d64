"""What texts have in common: words, n-grams, near-duplicates."""
