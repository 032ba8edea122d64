"""Runs from Python: started, opened, read; `hipo_data.run` and `hipo_data.open`."""
