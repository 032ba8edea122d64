"""How a stage asks an engine: requests of a role, and the session they are sent in."""
