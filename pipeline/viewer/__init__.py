"""Runs as pages for a browser: served on this machine, or written as files."""
