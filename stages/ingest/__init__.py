"""Source rows to problems: read, clean, merge, decontaminate, thin out."""
