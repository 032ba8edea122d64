"""Answers as expressions: read, evaluated exactly or to many digits, and compared, without a computer algebra system."""
