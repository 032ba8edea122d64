"""What people ask of a run: summary, plan, show, explain, what-if, calibrate, diff."""
