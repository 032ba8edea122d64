"""Answers as expressions: read, evaluated exactly or to many digits, compared, without a computer algebra system."""
