"""The run as a graph of nodes, their fingerprints and states."""
