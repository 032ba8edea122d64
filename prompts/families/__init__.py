"""Families of models as data, one YAML file each, and what follows from them: requests, and how responses are read."""
