"""The comparison of methods from end to end: data, cold starts, reinforcement, evaluation, and the page of it."""
