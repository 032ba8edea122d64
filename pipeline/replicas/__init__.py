"""Engines as Ray actors: replicas, pools, who may run when."""
