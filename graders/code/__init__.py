"""Does this program pass its tests."""
