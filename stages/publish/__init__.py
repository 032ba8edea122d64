"""Examples to the tables, exports and card that people read."""
