"""What one node of the graph does where it runs, as Ray tasks and actor calls."""
