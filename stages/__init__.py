"""What each stage does, as functions from records and tables to records and tables."""
