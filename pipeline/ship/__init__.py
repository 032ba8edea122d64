"""What leaves a run: exports, validation, pushes."""
