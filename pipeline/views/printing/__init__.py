"""Views of a run on a terminal, one a file: what is found is told as text, a table, or JSON."""
