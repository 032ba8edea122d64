"""Text that can be stored: JSON escapes can smuggle in halves of surrogate pairs, which UTF-8 cannot hold."""


def valid_unicode(text: str) -> str:
    """`text` with a `?` for each lone surrogate; neither Parquet nor a tokenizer takes those."""
    return text.encode("utf-8", "replace").decode()
