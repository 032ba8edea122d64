"""What people ask of a run: summary, plan, show, explain, what-if, diff."""
